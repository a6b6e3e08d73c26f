// SPDX-License-Identifier: Apache-2.0

// client PORT CA LIMIT: up to TLS 1.2, unless it is empty, two connections, the
// second of which may resume; prints what comes back.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"os"
)

func main() {
	pem, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: pool, ServerName: "localhost",
		ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	if os.Args[3] != "" {
		config.MaxVersion = tls.VersionTLS12
	}
	for i := 0; i < 2; i++ {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[1], config)
		if err != nil {
			log.Fatal(err)
		}
		if _, err = conn.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err == nil {
			_, err = io.Copy(os.Stdout, conn)
		}
		if err != nil {
			log.Fatal(err)
		}
		conn.Close()
	}
}
