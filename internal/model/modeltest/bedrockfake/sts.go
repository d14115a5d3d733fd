package bedrockfake

import (
	"crypto/rand"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	ARN           string `xml:"Arn"`
}

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string `xml:"SecretAccessKey"`
	SessionToken    string `xml:"SessionToken"`
	Expiration      string `xml:"Expiration"`
}

type assumeRoleResponse struct {
	XMLName     xml.Name        `xml:"AssumeRoleResponse"`
	Namespace   string          `xml:"xmlns,attr"`
	User        assumedRoleUser `xml:"AssumeRoleResult>AssumedRoleUser"`
	Credentials stsCredentials  `xml:"AssumeRoleResult>Credentials"`
	RequestID   string          `xml:"ResponseMetadata>RequestId"`
}

type callerIdentityResponse struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Namespace string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type errorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// stsCodes are STS's own names for what other services call otherwise.
var stsCodes = map[string]string{
	"UnrecognizedClientException":         "InvalidClientTokenId",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"ExpiredTokenException":               "ExpiredToken",
	"AccessDeniedException":               "AccessDenied",
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"IncompleteSignatureException":        "IncompleteSignature",
}

// sts answers the query protocol of STS.
func (c *call) sts() (gone bool) {
	form, err := url.ParseQuery(string(c.rec.Body))
	if err != nil {
		c.fail(400, "MalformedQueryString", "The query string contains a syntax error.")
		return false
	}
	c.rec.Operation = form.Get("Action")
	if !c.admitted("sts") {
		return false
	}
	switch c.rec.Operation {
	case "GetCallerIdentity":
		c.xml(callerIdentityResponse{
			Namespace: stsNamespace, ARN: c.key.ARN, UserID: c.key.ID, Account: c.key.Account, RequestID: c.requestID(),
		})
	case "AssumeRole":
		c.assumeRole(form)
	default:
		c.fail(400, "InvalidAction", "Could not find operation "+c.rec.Operation)
	}
	return false
}

func (c *call) assumeRole(form url.Values) {
	arn, name := form.Get("RoleArn"), form.Get("RoleSessionName")
	i := slices.IndexFunc(c.opts.Roles, func(r Role) bool { return r.ARN == arn })
	denied := func(action string) {
		c.fail(403, "AccessDeniedException", "User: "+c.key.ARN+" is not authorized to perform: "+action+" on resource: "+arn)
	}
	if i < 0 || c.opts.Roles[i].ExternalID != form.Get("ExternalId") || !c.opts.Roles[i].trusts(c.key) {
		denied("sts:AssumeRole")
		return
	}
	role := c.opts.Roles[i]
	tags, transitive := sessionTags(form)
	if len(tags) > 0 && role.NoTags {
		denied("sts:TagSession")
		return
	}
	if !sessionName.MatchString(name) || form.Has("SourceIdentity") && !sessionName.MatchString(form.Get("SourceIdentity")) {
		c.fail(400, "ValidationError", "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*")
		return
	}
	for _, inherited := range c.key.Transitive {
		if _, set := tags[inherited]; set {
			c.fail(400, "InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
			return
		}
		tags[inherited], transitive = c.key.Tags[inherited], append(transitive, inherited)
	}
	identity := form.Get("SourceIdentity")
	if c.key.SourceIdentity != "" {
		if identity != "" && identity != c.key.SourceIdentity {
			denied("sts:SetSourceIdentity")
			return
		}
		identity = c.key.SourceIdentity
	}
	age := time.Hour
	if n, err := strconv.Atoi(form.Get("DurationSeconds")); err == nil {
		age = time.Duration(n) * time.Second
	}
	if chained := strings.Contains(c.key.ARN, ":assumed-role/"); age < 15*time.Minute || age > 12*time.Hour || chained && age > time.Hour {
		c.fail(400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
		return
	}
	if role.MaxAge > 0 {
		age = min(age, role.MaxAge)
	}
	// arn:aws:iam::<account>:role/<name>
	part := strings.Split(arn, ":")
	key := Key{
		ID:      "ASIA" + rand.Text()[:16],
		Secret:  rand.Text(),
		Token:   rand.Text(),
		Account: part[4],
		ARN:     "arn:aws:sts::" + part[4] + ":assumed-role/" + arn[strings.LastIndexByte(arn, '/')+1:] + "/" + name,
		Expires: c.opts.Now().Add(age),
		Tags:    tags, Transitive: transitive, SourceIdentity: identity,
	}
	c.mu.Lock()
	c.keys[key.ID] = key
	c.mu.Unlock()
	c.xml(assumeRoleResponse{
		Namespace: stsNamespace,
		User:      assumedRoleUser{AssumedRoleID: "AROAFAKE:" + name, ARN: key.ARN},
		Credentials: stsCredentials{
			AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.Token,
			Expiration: key.Expires.UTC().Format(time.RFC3339),
		},
		RequestID: c.requestID(),
	})
}

// sessionName is the form of a session's name and of a source identity.
var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// trusts reports whether r may be assumed with key.
func (r Role) trusts(key Key) bool {
	return len(r.Trusts) == 0 || slices.ContainsFunc(r.Trusts, func(arn string) bool {
		if arn == key.ARN {
			return true
		}
		account, role, ok := strings.Cut(strings.TrimPrefix(arn, "arn:aws:iam::"), ":role/")
		return ok && strings.HasPrefix(key.ARN, "arn:aws:sts::"+account+":assumed-role/"+role+"/")
	})
}

// sessionTags reads Tags.member.1.Key, Tags.member.1.Value, … and
// TransitiveTagKeys.member.1, ….
func sessionTags(form url.Values) (tags map[string]string, transitive []string) {
	tags = make(map[string]string)
	for n := 1; form.Has("Tags.member." + strconv.Itoa(n) + ".Key"); n++ {
		at := "Tags.member." + strconv.Itoa(n)
		tags[form.Get(at+".Key")] = form.Get(at + ".Value")
	}
	for n := 1; form.Has("TransitiveTagKeys.member." + strconv.Itoa(n)); n++ {
		transitive = append(transitive, form.Get("TransitiveTagKeys.member."+strconv.Itoa(n)))
	}
	return tags, transitive
}

func (c *call) requestID() string { return c.w.Header().Get("X-Amzn-Requestid") }

func (c *call) xml(v any) { writeXML(c.w, http.StatusOK, v) }

func writeXMLError(w http.ResponseWriter, status int, exception, message string) {
	code := exception
	if s, ok := stsCodes[exception]; ok {
		code = s
	}
	writeXML(w, status, errorResponse{
		Namespace: stsNamespace, Type: "Sender", Code: code, Message: message, RequestID: w.Header().Get("X-Amzn-Requestid"),
	})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	b, err := xml.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
