package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/returnpoint/returnpoint/shared/dental"
	"github.com/returnpoint/returnpoint/shared/portrait"
)

// name is under a country that there is not: nobody looks it up but the tests' own resolver.
const name = "photos.clinic.zz"

// hidden stands in the path and the query of each URL: no error may hold it.
const hidden = "irina-sokolova"

// site is a server of photos, for name and for its address.
type site struct {
	*httptest.Server
	addr  netip.AddrPort
	calls atomic.Int32
}

func (s *site) at(path string) string { return s.URL + "/" + hidden + path }

// open starts a server, which no client trusts by itself.
func open(t *testing.T, h http.HandlerFunc) *site {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now().Add(-time.Hour)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: from.Add(24 * time.Hour), DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.calls.Add(1); h(w, r) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	s.addr = netip.MustParseAddrPort(s.Listener.Addr().String())
	return s
}

// client trusts the certificates of all the sites, and the addresses of some.
func client(all []*site, trusted ...*site) *Client {
	roots := x509.NewCertPool()
	for _, s := range all {
		roots.AddCert(s.Certificate())
	}
	o := Options{TLS: &tls.Config{RootCAs: roots}}
	for _, s := range trusted {
		o.Trusted = append(o.Trusted, s.addr)
	}
	return New(o)
}

func photo(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write([]byte("a photo"))
}

// refusal is the error of a fetch that must fail, and say nothing that was hidden.
func refusal(t *testing.T, c *Client, url string) error {
	t.Helper()
	raw, err := c.Fetch(t.Context(), url)
	if err == nil || raw != nil {
		t.Fatalf("it gave %d bytes (%v)", len(raw), err)
	}
	for _, secret := range []string{hidden, "127.0.0.1", "://", "secret"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q holds %q", err, secret)
		}
	}
	if !strings.HasPrefix(err.Error(), "fetch: ") {
		t.Errorf("%q does not say who speaks", err)
	}
	return err
}

func says(t *testing.T, err error, kind dental.ErrorKind, words string) {
	t.Helper()
	if dental.KindOf(err) != kind || !strings.Contains(err.Error(), words) {
		t.Errorf("it is refused as %q: %v, want %q: %s", dental.KindOf(err), err, kind, words)
	}
}

func TestAPhotoIsFetchedByOneRequestThatTellsNothing(t *testing.T) {
	var seen http.Header
	s := open(t, func(w http.ResponseWriter, r *http.Request) { seen = r.Header; photo(w, r) })
	raw, err := client([]*site{s}, s).Fetch(t.Context(), s.at("/irina.jpg?key=secret#face"))
	if err != nil || string(raw) != "a photo" || s.calls.Load() != 1 {
		t.Fatalf("%q, %v, %d requests", raw, err, s.calls.Load())
	}
	for _, h := range []string{"Referer", "Cookie", "Authorization", "Accept-Encoding"} {
		if seen.Get(h) != "" {
			t.Errorf("the request says %s: %s", h, seen.Get(h))
		}
	}
}

func TestAnAddressIsJudgedBeforeItsNameIsLookedUp(t *testing.T) {
	c := New(Options{})
	c.dialer.Resolver = resolver(t, func(name string) []string { t.Errorf("%s was looked up", name); return nil })
	for url, words := range map[string]string{
		"http://photos.clinic.zz/" + hidden:           "not https",
		"ftp://photos.clinic.zz/" + hidden:            "not https",
		"file:///etc/" + hidden:                       "not https",
		"//photos.clinic.zz/" + hidden:                "not https",
		hidden:                                        "not https",
		"":                                            "not https",
		"https://photos.clinic.zz/\x00" + hidden:      "no URL",
		"https://photos.clinic.zz:x/" + hidden:        "no URL",
		"https://secret@photos.clinic.zz/" + hidden:   "user's name",
		"https://u:secret@photos.clinic.zz/" + hidden: "user's name",
		"https:///" + hidden:                          "no public server",
		"https:" + hidden:                             "no public server",
		"https://intranet/" + hidden:                  "no public server",
		"https://localhost/" + hidden:                 "no public server",
		"https://LocalHost./" + hidden:                "no public server",
		"https://2130706433/" + hidden:                "no public server",
		"https://0x7f000001/" + hidden:                "no public server",
		"https://metadata.google.internal/" + hidden:  "no public server",
		"https://printer.local/" + hidden:             "no public server",
		"https://nas.home.arpa/" + hidden:             "no public server",
		"https://clinic.example/" + hidden:            "no public server",
		"https://photos.clinic.example.com/" + hidden: "no public server",
		"https://clinic.test./" + hidden:              "no public server",
	} {
		t.Run(url, func(t *testing.T) { says(t, refusal(t, c, url), dental.Invalid, words) })
	}
}

// hosts are addresses that nobody outside may lead us to, of every kind (see
// package outside, which knows them all).
var hosts = []string{"0.0.0.0", "10.0.0.7", "100.100.100.200", "127.0.0.1", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "192.168.0.1",
	"224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "fd00:ec2::254", "fe80::1", "ff02::1"}

func TestAnAddressInTheURLIsJudgedToo(t *testing.T) {
	c := New(Options{})
	for _, host := range hosts {
		says(t, refusal(t, c, "https://"+net.JoinHostPort(host, "443")+"/"+hidden), dental.Invalid, "not a public one")
	}
	says(t, refusal(t, c, "https://[fe80::1%25lo]/"+hidden), dental.Invalid, "not a public one")
	says(t, refusal(t, c, "https://8.8.8.8:22/"+hidden), dental.Invalid, "port is not 443")
	says(t, refusal(t, c, "https://[2a02:6b8::1]:8443/"+hidden), dental.Invalid, "port is not 443")
}

func TestAServerOfOurOwnIsNotCalledUnlessItIsTrusted(t *testing.T) {
	inside, other := open(t, photo), open(t, photo)
	all := []*site{inside, other}
	says(t, refusal(t, client(all), inside.at("/a.jpg")), dental.Invalid, "not a public one")
	says(t, refusal(t, client(all, other), inside.at("/a.jpg")), dental.Invalid, "not a public one")
	if n := inside.calls.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	if _, err := client(all, inside).Fetch(t.Context(), inside.at("/a.jpg")); err != nil {
		t.Error(err)
	}
}

func TestEveryRedirectIsJudged(t *testing.T) {
	inside := open(t, photo)
	var target string
	outside := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" {
			t.Errorf("it is told of %s", r.Header.Get("Referer"))
		}
		switch n := r.URL.Query().Get("more"); n {
		case "":
			http.Redirect(w, r, target, http.StatusFound)
		case "0":
			photo(w, r)
		default:
			http.Redirect(w, r, "?more="+string(n[0]-1), http.StatusTemporaryRedirect)
		}
	})
	c := client([]*site{inside, outside}, outside)
	c.dialer.Resolver = resolver(t, func(string) []string { return []string{"10.0.0.7"} })
	for to, words := range map[string]string{
		inside.at("/a.jpg"):                         "not a public one",
		"https://169.254.169.254/latest/" + hidden:  "not a public one",
		"https://[::ffff:10.0.0.1]/" + hidden:       "not a public one",
		"https://photos.clinic.zz/" + hidden:        "not a public one",
		"http://photos.clinic.zz/" + hidden:         "not https",
		"https://secret@photos.clinic.zz/" + hidden: "user's name",
		"https://localhost/" + hidden:               "no public server",
		"gopher://127.0.0.1/" + hidden:              "not https",
		"https://photos.clinic.zz:65536/" + hidden:  "",
		"://" + hidden:                              "answer cannot be read",
	} {
		t.Run(to, func(t *testing.T) {
			target = to
			if err := refusal(t, c, outside.at("/irina.jpg")); !strings.Contains(err.Error(), words) {
				t.Errorf("%v, want %s", err, words)
			}
		})
	}
	if n := inside.calls.Load(); n != 0 {
		t.Errorf("%d requests arrived inside", n)
	}
	t.Run("three are followed", func(t *testing.T) {
		if raw, err := c.Fetch(t.Context(), outside.at("/irina.jpg?more=3")); err != nil || string(raw) != "a photo" {
			t.Errorf("%q, %v", raw, err)
		}
	})
	t.Run("a fourth is not", func(t *testing.T) {
		before := outside.calls.Load()
		says(t, refusal(t, c, outside.at("/irina.jpg?more=4")), dental.Invalid, "more than three times")
		if n := outside.calls.Load() - before; n != 4 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("nor one to itself", func(t *testing.T) {
		target = outside.at("/irina.jpg")
		says(t, refusal(t, c, target), dental.Invalid, "more than three times")
	})
}

// resolver answers lookups of IPv4 addresses with what look says, in a
// conversation of its own instead of a server's; nil knows no name.
func resolver(t *testing.T, look func(name string) []string) *net.Resolver {
	t.Helper()
	var turn sync.Mutex
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			var length [2]byte
			if _, err := io.ReadFull(theirs, length[:]); err != nil {
				return
			}
			raw := make([]byte, binary.BigEndian.Uint16(length[:]))
			var m dnsmessage.Message
			if _, err := io.ReadFull(theirs, raw); err != nil || m.Unpack(raw) != nil {
				return
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			switch q := m.Questions[0]; {
			case look == nil:
				m.RCode = dnsmessage.RCodeNameError
			case q.Type == dnsmessage.TypeA:
				turn.Lock()
				addresses := look(strings.TrimSuffix(q.Name.String(), "."))
				turn.Unlock()
				for _, a := range addresses {
					m.Answers = append(m.Answers, dnsmessage.Resource{Body: &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
						Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}})
				}
			}
			answer, err := m.Pack()
			if err != nil {
				return
			}
			_, _ = theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}()
		return ours, nil
	}}
}

// far stands for the public network: what is dialled there does not answer.
func far(c *Client, at string) (dialled *atomic.Int32) {
	dialled = &atomic.Int32{}
	judged := c.dialer.Control
	c.dialer.Control = func(network, address string, raw syscall.RawConn) error {
		if err := judged(network, address, raw); err != nil {
			return err
		}
		if strings.HasPrefix(address, at+":") {
			dialled.Add(1)
			return syscall.ENETUNREACH
		}
		return nil
	}
	return dialled
}

func TestANameThatWasPublicAMomentAgoMayNotLeadInside(t *testing.T) {
	const outside = "93.184.215.14"
	inside := open(t, photo)
	url := fmt.Sprintf("https://%s/%s/irina.jpg", name, hidden)
	t.Run("when each lookup is answered otherwise", func(t *testing.T) {
		c := client([]*site{inside})
		lookups := 0
		c.dialer.Resolver = resolver(t, func(string) []string {
			if lookups++; lookups == 1 {
				return []string{outside}
			}
			return []string{"127.0.0.1"}
		})
		dialled := far(c, outside)
		says(t, refusal(t, c, url), dental.Unavailable, "cannot be reached")
		says(t, refusal(t, c, url), dental.Invalid, "not a public one")
		if lookups != 2 || dialled.Load() != 1 {
			t.Errorf("%d lookups, %d calls outside", lookups, dialled.Load())
		}
	})
	t.Run("when one lookup is answered with both", func(t *testing.T) {
		for _, answers := range [][]string{{outside, "127.0.0.1"}, {"127.0.0.1", outside}, {outside, "169.254.169.254"}} {
			c := client([]*site{inside})
			c.dialer.Resolver = resolver(t, func(string) []string { return answers })
			far(c, outside)
			refusal(t, c, url)
		}
	})
	t.Run("when the first answer was good, and the server leads back to itself", func(t *testing.T) {
		// The site stands for the outside at its own port; where else the name leads is inside.
		good := open(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) })
		c := client([]*site{good, inside}, good)
		c.dialer.Resolver = resolver(t, func(string) []string { return []string{"127.0.0.1"} })
		says(t, refusal(t, c, fmt.Sprintf("https://%s:%d/%s", name, good.addr.Port(), hidden)), dental.Invalid, "not a public one")
		if good.calls.Load() != 1 {
			t.Errorf("%d requests", good.calls.Load())
		}
	})
	if n := inside.calls.Load(); n != 0 {
		t.Errorf("%d requests arrived inside", n)
	}
}

func TestANameIsLookedUpAndItsServerCalled(t *testing.T) {
	s := open(t, photo)
	c := client([]*site{s}, s)
	c.dialer.Resolver = resolver(t, func(string) []string { return []string{"127.0.0.1"} })
	if raw, err := c.Fetch(t.Context(), fmt.Sprintf("https://%s:%d/", name, s.addr.Port())); err != nil || string(raw) != "a photo" {
		t.Errorf("%q, %v", raw, err)
	}
	c.dialer.Resolver = resolver(t, nil)
	says(t, refusal(t, c, "https://"+name+"/"+hidden), dental.Unavailable, "name is not known")
	c.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ENETUNREACH }}
	says(t, refusal(t, c, "https://"+name+"/"+hidden), dental.Unavailable, "could not be looked up")
}

func TestAProxyOfTheEnvironmentIsNotAsked(t *testing.T) {
	proxy := open(t, photo)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("https_proxy", proxy.URL)
	c := New(Options{})
	c.dialer.Resolver = resolver(t, func(string) []string { return []string{"10.0.0.7"} })
	refusal(t, c, "https://"+name+"/"+hidden)
	if n := proxy.calls.Load(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
	if c.http.Transport.(*http.Transport).Proxy != nil {
		t.Error("there is a proxy")
	}
}

func TestAnAnswerIsAnImageOfFiveMegabytesAtMost(t *testing.T) {
	answer := func(code int, kind string, size int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil // none is guessed
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			if size >= 0 {
				w.Header().Set("Content-Length", fmt.Sprint(size))
			}
			w.WriteHeader(code)
			left := max(size, -size)
			for left > 0 {
				n, err := w.Write(make([]byte, min(left, 1<<16)))
				if err != nil {
					return
				}
				left -= n
			}
		}
	}
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		kind dental.ErrorKind
		says string
	}{
		"of five megabytes":                      {answer(200, "image/jpeg", portrait.MaxSource), "", ""},
		"of five megabytes in pieces":            {answer(200, "image/webp", -portrait.MaxSource), "", ""},
		"with a parameter":                       {answer(200, "Image/JPEG; charset=binary", 7), "", ""},
		"empty":                                  {answer(200, "image/png", 0), "", ""},
		"a byte more":                            {answer(200, "image/jpeg", portrait.MaxSource+1), dental.Invalid, "more than 5242880 bytes"},
		"a byte more in pieces":                  {answer(200, "image/jpeg", -portrait.MaxSource-1), dental.Invalid, "more than 5242880 bytes"},
		"without end":                            {answer(200, "image/jpeg", -1<<40), dental.Invalid, "more than 5242880 bytes"},
		"a page":                                 {answer(200, "text/html", 7), dental.Invalid, "does not say that it is an image"},
		"anything":                               {answer(200, "application/octet-stream", 7), dental.Invalid, "does not say that it is an image"},
		"not said what":                          {answer(200, "", 7), dental.Invalid, "does not say that it is an image"},
		"said what in no words":                  {answer(200, "image", 7), dental.Invalid, "does not say that it is an image"},
		"not there":                              {answer(404, "image/jpeg", 7), dental.Invalid, "answered 404"},
		"nothing new":                            {answer(304, "image/jpeg", 0), dental.Invalid, "answered 304"},
		"a part":                                 {answer(206, "image/jpeg", 7), dental.Invalid, "answered 206"},
		"nothing just now":                       {answer(503, "image/jpeg", 7), dental.Unavailable, "answered 503"},
		"nothing to those who ask so often":      {answer(429, "image/jpeg", 7), dental.Unavailable, "answered 429"},
		"cut short":                              {cutShort, dental.Unavailable, "answer cannot be read"},
		"broken off":                             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, dental.Unavailable, "answer cannot be read"},
		"a head of a hundred kilobytes":          {longHead, dental.Unavailable, "answer cannot be read"},
		"led on by a server that says not where": {answer(302, "image/jpeg", 0), dental.Invalid, "answered 302"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, c.h)
			client := client([]*site{s}, s)
			if c.says == "" {
				if _, err := client.Fetch(t.Context(), s.at("/")); err != nil {
					t.Error(err)
				}
				return
			}
			says(t, refusal(t, client, s.at("/")), c.kind, c.says)
		})
	}
}

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("half"))
}

func longHead(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Long", strings.Repeat("secret", 20_000))
	photo(w, r)
}

func TestWhatIsPackedIsNotUnpacked(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(make([]byte, 8<<20))
	_ = z.Close()
	s := open(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	if raw, err := client([]*site{s}, s).Fetch(t.Context(), s.at("/")); err != nil || len(raw) != packed.Len() {
		t.Errorf("%d bytes came of %d (%v)", len(raw), packed.Len(), err)
	}
}

func TestNobodyKeepsUsWaiting(t *testing.T) {
	if c := New(Options{}); c.http.Timeout != 10*time.Second {
		t.Errorf("a fetch may take %v", c.http.Timeout)
	}
	for name, drip := range map[string]bool{"before the answer": false, "in the middle of it": true} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			s := open(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "image/jpeg")
				for drip {
					if _, err := w.Write([]byte(".")); err != nil || http.NewResponseController(w).Flush() != nil {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
				<-over
			})
			t.Cleanup(func() { close(over) }) // before the server waits for its handlers
			c := client([]*site{s}, s)
			c.http.Timeout = 100 * time.Millisecond
			says(t, refusal(t, c, s.at("/")), dental.Unavailable, "did not answer in time")
			c.http.Timeout = time.Minute
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := c.Fetch(ctx, s.at("/")); dental.KindOf(err) != dental.Unavailable {
				t.Errorf("when the caller's time is over: %v", err)
			}
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			if _, err := c.Fetch(ctx, s.at("/")); err == nil || !strings.Contains(err.Error(), "called off") {
				t.Errorf("when the caller has gone: %v", err)
			}
		})
	}
}

func TestAServerThatCannotProveItsNameIsNotBelieved(t *testing.T) {
	s := open(t, photo)
	stranger := New(Options{Trusted: []netip.AddrPort{s.addr}})
	says(t, refusal(t, stranger, s.at("/")), dental.Unavailable, "certificate is not valid")
	other := client([]*site{s}, s)
	other.dialer.Resolver = resolver(t, func(string) []string { return []string{"127.0.0.1"} })
	says(t, refusal(t, other, fmt.Sprintf("https://other.clinic.zz:%d/%s", s.addr.Port(), hidden)), dental.Unavailable, "certificate is not valid")
	gone := open(t, photo)
	gone.Close()
	says(t, refusal(t, client([]*site{gone}, gone), gone.at("/")), dental.Unavailable, "cannot be reached")
}
