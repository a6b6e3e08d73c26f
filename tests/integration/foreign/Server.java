// SPDX-License-Identifier: Apache-2.0
// Server.java PKCS12 PASSWORD LIMIT: up to that version of TLS, unless it is empty, an
// echo server that prints its port.
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

class Server {
    public static void main(String[] args) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(args[0])) {
            store.load(in, args[1].toCharArray());
        }
        KeyManagerFactory keys =
            KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, args[1].toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(0, 16, InetAddress.getLoopbackAddress());
        if (!args[2].isEmpty()) {
            listener.setEnabledProtocols(new String[] {"TLSv" + args[2]});
        }
        System.out.println("port " + listener.getLocalPort());
        while (true) {
            try (SSLSocket socket = (SSLSocket) listener.accept()) {
                InputStream in = socket.getInputStream();
                OutputStream out = socket.getOutputStream();
                byte[] bytes = new byte[4096];
                for (int count; (count = in.read(bytes)) > 0; ) {
                    out.write(bytes, 0, count);
                    out.flush();
                }
            } catch (java.io.IOException e) {
                System.err.println(e);
            }
        }
    }
}
