package outside

import (
	"net"
	"testing"

	"github.com/returnpoint/returnpoint/shared/dental"
)

// hosts are addresses that nobody outside may lead us to, and some that are public.
var hosts = map[string]bool{
	"8.8.8.8": true, "1.1.1.1": true, "9.255.255.255": true, "11.0.0.0": true, "100.63.255.255": true, "100.128.0.0": true, "126.255.255.255": true,
	"128.0.0.0": true, "169.253.255.255": true, "169.255.0.0": true, "172.15.255.255": true, "172.32.0.0": true, "191.255.255.255": true,
	"192.0.1.0": true, "192.167.255.255": true, "192.169.0.0": true, "198.17.255.255": true, "198.20.0.0": true, "223.255.255.255": true,
	"2001:4860:4860::8888": true, "2600::": true, "::ffff:8.8.8.8": true, "2a02:6b8::1": true,

	"0.0.0.0": false, "0.1.2.3": false, "10.0.0.0": false, "10.255.255.255": false, "100.64.0.0": false, "100.100.100.200": false, "100.127.255.255": false,
	"127.0.0.1": false, "127.255.255.255": false, "168.63.129.16": false, "169.254.0.0": false, "169.254.169.254": false, "169.254.170.2": false,
	"169.254.255.255": false, "172.16.0.0": false, "172.31.255.255": false, "192.0.0.0": false, "192.0.0.192": false, "192.0.2.1": false,
	"192.88.99.1": false, "192.168.0.0": false, "192.168.255.255": false, "198.18.0.0": false, "198.19.255.255": false, "198.51.100.7": false,
	"203.0.113.7": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.0": false, "255.255.255.255": false,
	"::": false, "::1": false, "::7f00:1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false,
	"::ffff:0:127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "100::1": false, "2001::1": false, "2001:0:7f00:1::": false,
	"2001:1ff:ffff::": false, "2001:db8::1": false, "2002:7f00:1::": false, "3fff::1": false, "4000::1": false, "5f00::1": false, "fc00::1": false,
	"fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false, "ff0e::1": false,
}

func TestOnlyAddressesOfThePublicNetworkMayBeDialled(t *testing.T) {
	for host, want := range hosts {
		if err := Judge(net.JoinHostPort(host, "8443")); (err == nil) != want || err != nil && dental.KindOf(err) != dental.Invalid {
			t.Errorf("%s is refused: %v", host, err)
		}
	}
	for _, unreadable := range []string{"", "8.8.8.8", "photos.clinic.ru:443", "8.8.8.8:x"} {
		if dental.KindOf(Judge(unreadable)) != dental.Invalid {
			t.Errorf("%q is not refused", unreadable)
		}
	}
}

func TestANameThatNobodyCanHaveIsNotOutside(t *testing.T) {
	for host, want := range map[string]bool{"clinic.ru": true, "notexample.com": true, "example.com.clinic.ru": true, "xn--80aafey1amqq.xn--p1ai": true,
		"8.8.8.8": true, "::1": true, "example.com": false, "a.example.org": false, "local": false, ".": false} {
		if got := Name(host); got != want {
			t.Errorf("%s may be public: %t", host, got)
		}
	}
	for host, want := range map[string]bool{"clinic.ru": true, "MIS.Clinic.RU.": true, "my_clinic.amazonaws.com": true, "xn--80aafey1amqq.xn--p1ai": true,
		"8.8.8.8": false, "::1": false, "127.1": false, "0x7f.1": false, "mis": false, "": false, "a..ru": false, "-a.ru": false, "a b.ru": false,
		"mis.lan": false, "mis.home": false, "mis.corp": false, "mis.intranet": false, "metadata.google.internal": false, "mis.clinic.example.com": false} {
		if got := Domain(host); got != want {
			t.Errorf("%q may be a public server's name: %t", host, got)
		}
	}
}

func TestAHostOnThisMachineIsCalledWithoutTLS(t *testing.T) {
	for host, here := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8080": true, "127.255.0.9:80": true, "::1": true, "[::1]:8080": true,
		"localhost": false, "10.0.0.1:8080": false, "clinic.example.com": false, "127.0.0.1.example.com:80": false, "": false,
	} {
		if Loopback(host) != here || (Scheme(host) == "http") != here {
			t.Errorf("%q: %v, %s", host, Loopback(host), Scheme(host))
		}
	}
}
