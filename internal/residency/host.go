package residency

import (
	"net/netip"
	"strings"
)

// Host returns where a server that is reached by host (a name or an address)
// processes what is sent to modelID. A cloud's host tells its region; of every
// other its owner has declared the country, or nobody has ("").
func (p *Profiles) Host(host, country, modelID string) Place {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return ThisServer()
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Unmap().IsLoopback() {
			return ThisServer()
		}
		return Place{Kind: Host, Name: ip.Unmap().String(), Country: country}
	}
	if region, ok := bedrockRegion(host); ok {
		return p.Bedrock(region, modelID)
	}
	return Place{Kind: Host, Name: host, Country: country}
}

// bedrockRegion finds the region in the host of a Bedrock endpoint, public or
// in a private network: bedrock-runtime.<region>.amazonaws.com,
// vpce-….bedrock-runtime.<region>.vpce.amazonaws.com, bedrock-mantle.<region>.api.aws.
func bedrockRegion(host string) (string, bool) {
	if !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") && !strings.HasSuffix(host, ".api.aws") {
		return "", false
	}
	labels := strings.Split(host, ".")
	for i, label := range labels[:len(labels)-1] {
		if label == "bedrock" || strings.HasPrefix(label, "bedrock-") {
			return labels[i+1], true
		}
	}
	return "", false
}
