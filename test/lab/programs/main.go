// The application of the lab for Go. What a request wants stands in its headers.
package main

import (
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	handle := func(w http.ResponseWriter, r *http.Request) {
		trace := r.Header.Get("X-Amzn-Trace-Id")
		fmt.Println("start", trace)
		io.Copy(io.Discard, r.Body)
		work := 3 + 10*rand.Float64()
		if wanted, err := strconv.ParseFloat(r.Header.Get("X-Lab-Work"), 64); err == nil {
			work = wanted
		}
		time.Sleep(time.Duration(work * float64(time.Millisecond)))
		switch r.Header.Get("X-Lab-Do") {
		case "panic":
			panic("index out of range")
		case "exit":
			os.Exit(2)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"path":%q,"items":%q}`, r.URL.Path, strings.Repeat("x", 200))
		fmt.Println("end", trace)
	}
	server := http.Server{Addr: ":" + os.Getenv("PORT"), Handler: http.HandlerFunc(handle)}
	if seconds, err := strconv.Atoi(os.Getenv("IDLE_TIMEOUT")); err == nil {
		server.IdleTimeout = time.Duration(seconds) * time.Second
	}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
}
