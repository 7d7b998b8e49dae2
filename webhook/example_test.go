package webhook

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A CRM's side: the body is verified as it came, byte for byte, and read only then. The second request is one that somebody has
// changed on its way.
func Example_verify() {
	secret := NewSecret() // what the CRM was shown when the endpoint was made
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			http.Error(w, "no secret", http.StatusInternalServerError)
			return
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			http.Error(w, "bad signature", http.StatusUnauthorized)
			return
		}
		var event Event
		if err := json.Unmarshal(body, &event); err != nil {
			http.Error(w, "not an event", http.StatusBadRequest)
			return
		}
		fmt.Println("the CRM is told:", event.Type, event.ID)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer crm.Close()

	const sent = `{"id":"evt_1","type":"call.code_set"}`
	for _, arrives := range []string{sent, strings.Replace(sent, "evt_1", "evt_2", 1)} {
		r, err := http.NewRequest(http.MethodPost, crm.URL, strings.NewReader(arrives))
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := (Endpoint{Secret: secret}).sign(r.Header, "evt_1", time.Now(), []byte(sent)); err != nil {
			fmt.Println(err)
			return
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		reply.Body.Close()
		fmt.Println(reply.Status)
	}
	// Output:
	// the CRM is told: call.code_set evt_1
	// 204 No Content
	// 401 Unauthorized
}
