// Package outside tells the public network from the one that we stand in.
//
// Where a clinic or its system says which server is to be called, the machine
// that calls stands inside somebody's network, and could be led to its
// neighbours, or to where a cloud tells its machines their credentials. A name
// says little about that: it is looked up anew each time. So it is the address
// that is judged, when it is dialled (net.Dialer.Control), and no proxy may stand
// between, for it would look the name up by itself.
package outside

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// Judge refuses an address, "93.184.215.14:443", that is not of the public network.
// Its error, dental.Invalid, does not hold the address.
func Judge(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return dental.Errorf(dental.Invalid, "", "the address cannot be judged")
	}
	if !public(to.Addr()) {
		return dental.Errorf(dental.Invalid, "", "the address is not a public one")
	}
	return nil
}

// public reports whether an address is of the public network, and whoever
// answers there is no neighbour of ours.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !unicast6.Contains(a) {
		return false // loopback, link-local, multicast, unspecified; RFC 1918 and RFC 4193; all IPv6 not handed out
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// unicast6 is all of IPv6 that is public (RFC 4291). It leaves out what holds
// an IPv4 address that nobody has judged: ::/96 and the NAT64 of 64:ff9b::/96.
var unicast6 = netip.MustParsePrefix("2000::/3")

// special are the blocks that netip does not know, by IANA's registries of
// special-purpose addresses, and the address at which Azure's machines are told
// of themselves. Where Amazon's, Google's and the others' are told stands in
// link-local addresses, in 100.64.0.0/10, in 192.0.0.0/24 and in fc00::/7.
//
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carriers' NAT
	netip.MustParsePrefix("168.63.129.16/32"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"), // reserved, and broadcast
	netip.MustParsePrefix("2001::/23"),   // IETF's protocols, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4, which holds an IPv4 address
	netip.MustParsePrefix("3fff::/20"),
}

// nobodys are the names that no public server can have: RFC 2606, 6761, 6762,
// 7686 and 8375, ICANN's "internal", and what networks of offices and homes call
// themselves. Looking them up tells strangers what is inside, or waits for nothing.
var nobodys = []string{"localhost", "local", "internal", "lan", "home", "corp", "intranet", "home.arpa",
	"onion", "test", "invalid", "example", "example.com", "example.net", "example.org"}

// Name reports whether a host may be one of the public network: an address, which
// is judged when it is dialled, or a Domain.
func Name(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || Domain(host)
}

// domain is a name of several labels, of which the last is no number: some
// resolvers take 127.1 for an address.
var domain = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Domain reports whether a host is a name that a server of the public network may
// have: of several labels, and nobody's.
func Domain(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return domain.MatchString(host) && !slices.ContainsFunc(nobodys, func(n string) bool {
		return host == n || strings.HasSuffix(host, "."+n)
	})
}

// Loopback reports a host, with its port or without, that is an address of this
// machine: a test server's.
func Loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Scheme is how a host is called where nothing says it: by https, but for a test
// server on this machine, which only the deployment's own hosts may name.
func Scheme(host string) string {
	if Loopback(host) {
		return "http"
	}
	return "https"
}
