// SPDX-License-Identifier: Apache-2.0
// Client.java PORT CA LIMIT: up to that version of TLS, unless it is empty, two
// connections, the second of which may resume; prints what comes back.
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

class Client {
    public static void main(String[] args) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (FileInputStream in = new FileInputStream(args[1])) {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            trusted.setCertificateEntry("ca", factory.generateCertificate(in));
        }
        TrustManagerFactory trust =
            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        for (int i = 0; i < 2; i++) {
            try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(
                     "localhost", Integer.parseInt(args[0]))) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                if (!args[2].isEmpty()) {
                    parameters.setProtocols(new String[] {"TLSv" + args[2]});
                }
                socket.setSSLParameters(parameters);
                socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes());
                System.out.write(socket.getInputStream().readAllBytes());
                System.out.flush();
            }
        }
    }
}
