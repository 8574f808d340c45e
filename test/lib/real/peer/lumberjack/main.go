// A peer for tests: the server of Elastic's own go-lumber, which prints every event it acknowledges, one JSON a line.
//
// With -delay it holds each window so long before it acknowledges it; an event is printed when it came, acknowledged or
// not. With -cert, -key and -ca it speaks TLS and lets only clients in that the authority knows.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/elastic/go-lumber/server"
)

func main() {
	bind := flag.String("bind", "127.0.0.1:0", "address to listen on")
	delay := flag.Duration("delay", 0, "how long a window is held")
	cert := flag.String("cert", "", "PEM file of the server's certificate")
	key := flag.String("key", "", "PEM file of its key")
	ca := flag.String("ca", "", "PEM file of the authority of clients")
	version := flag.String("tls", "1.3", "the one version of TLS: 1.2 or 1.3")
	flag.Parse()

	listener, err := net.Listen("tcp", *bind)
	must(err)
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	if *cert != "" {
		listener = tls.NewListener(listener, config(*cert, *key, *ca, *version))
	}
	// Without keep-alives while it is held, the holding would never be seen by a client's time-out.
	s, err := server.NewWithListener(listener, server.V2(true), server.Keepalive(time.Second))
	must(err)

	out := json.NewEncoder(os.Stdout)
	for batch := range s.ReceiveChan() {
		for _, event := range batch.Events {
			must(out.Encode(event))
		}
		time.Sleep(*delay)
		batch.ACK()
		fmt.Printf("acknowledged %d\n", len(batch.Events))
	}
}

func config(cert, key, ca, version string) *tls.Config {
	own, err := tls.LoadX509KeyPair(cert, key)
	must(err)
	pem, err := os.ReadFile(ca)
	must(err)
	known := x509.NewCertPool()
	if !known.AppendCertsFromPEM(pem) {
		log.Fatal("no certificate in ", ca)
	}
	only := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[version]
	return &tls.Config{
		Certificates: []tls.Certificate{own},
		ClientCAs:    known,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   only,
		MaxVersion:   only,
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
