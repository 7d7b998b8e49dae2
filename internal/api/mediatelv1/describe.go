package mediatelv1

import (
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// described says what each route is for, its stable id, and the statuses of its refusals beside those that all have.
var described = map[string]struct {
	id, summary, says string
	body              string // a schema's name; empty: none
	result            string // of each of the result's items
	statuses          []int
}{
	"GET /v1/agents": {"mediatel-list-agents", "List agents in Mediatel's shape",
		"All of them, or with ?Login= those with that login.", "", "MediatelAgent", []int{400}},
	"POST /v1/agents": {"mediatel-add-agent", "Add an agent in Mediatel's shape",
		"A copy of another one, sent with another Login, takes neither its user nor its extension along.", "MediatelAgent",
		"MediatelAgent", []int{400, 409, 413}},
	"GET /v1/agents/self": {"mediatel-read-self", "Read the agent that one is", "For the roles agent and admin.", "",
		"MediatelAgent", []int{404}},
	"GET /v1/agents/{id}": {"mediatel-read-agent", "Read an agent in Mediatel's shape", "", "", "MediatelAgent", []int{400, 404}},
	"PUT /v1/agents/{id}": {"mediatel-change-agent", "Change an agent in Mediatel's shape", "Fields that are left out stay.",
		"MediatelAgent", "MediatelAgent", []int{400, 404, 409, 413}},
	"DELETE /v1/agents/{id}": {"mediatel-delete-agent", "Disable an agent; delete a disabled one", "", "", "", []int{400, 404, 409}},
	"GET /v1/extensions": {"mediatel-list-extensions", "List extensions in Mediatel's shape",
		"All of them, or with ?E_Extension= those of that name.", "",
		"MediatelExtension", []int{400}},
	"POST /v1/extensions": {"mediatel-add-extension", "Add an extension in Mediatel's shape", "", "MediatelExtension",
		"MediatelExtension", []int{400, 409, 413}},
	"PATCH /v1/extensions": {"mediatel-change-extensions", "Delete, change and add many extensions",
		"At most 1,000, all of it or nothing; an E_ID below 1 adds one.",
		"MediatelExtensions", "MediatelExtension", []int{400, 404, 409, 413}},
	"GET /v1/extensions/{id}": {"mediatel-read-extension", "Read an extension in Mediatel's shape", "", "", "MediatelExtension",
		[]int{400, 404}},
	"PUT /v1/extensions/{id}": {"mediatel-change-extension", "Change an extension in Mediatel's shape",
		"Fields that are left out stay.", "MediatelExtension", "MediatelExtension", []int{400, 404, 409, 413}},
	"DELETE /v1/extensions/{id}": {"mediatel-delete-extension", "Delete an extension", "", "", "", []int{400, 404, 409}},
}

// Describe adds these routes to the description of the API.
func Describe(doc *huma.OpenAPI) {
	const tag = "Mediatel's administration"
	schemas := doc.Components.Schemas.Map()
	schemas["MediatelAgent"] = object("An agent. Fields that we do not use are kept and given back as they came.",
		map[string]*huma.Schema{
			"ID": number("Ours; not to be sent"), "Login": str(""),
			"Password": {Type: huma.TypeString, WriteOnly: true, Description: "Never shown"}, "Details": str("The name"),
			"State": number("1: enabled, 0: disabled"), "Queues": {Type: huma.TypeArray, Items: str("")},
			"UserID":   str("Of the CRM's user"),
			"Username": str("Of the CRM's user, as its cookie has it"), "AutoCall": {Type: huma.TypeBoolean},
			"Extension": str("The one it has now or had last"),
		})
	schemas["MediatelExtension"] = object("An extension. Fields that we do not use are kept and given back as they came.",
		map[string]*huma.Schema{
			"E_ID": number("Ours; not to be sent but in a PATCH"), "E_Extension": str("The name"),
			"DestAddress": str("NUMBER@SERVER[:PORT], or a whole connection string"),
			"Destination": str("The same; ~ says nothing"), "Codecs": {Type: huma.TypeArray, Items: str("")},
			"Network":  str("sip, simulated or mediatel"),
			"NailedUp": number("1: one leg to the phone is kept up for all of its agent's calls, from the next login"),
			"AgentID":  number("Who has it; 0: nobody"),
		})
	list := &huma.Schema{Type: huma.TypeArray, Items: ref("MediatelExtension")}
	schemas["MediatelExtensions"] = object("Changes of extensions.", map[string]*huma.Schema{"Deleted": list, "Inserted": list})
	schemas["MediatelError"] = object("How it went.",
		map[string]*huma.Schema{"code": number("The HTTP status"), "details": number("Of a refusal, as Mediatel numbers them"),
			"message": str("What is wrong, and what would be right")})
	schemas["MediatelRefusal"] = envelopeOf(&huma.Schema{})
	for pattern, d := range described {
		method, path, _ := strings.Cut(pattern, " ")
		roles := "admin"
		if d.result != "" && strings.HasSuffix(path, "/self") {
			roles = "admin, agent"
		}
		o := &huma.Operation{
			OperationID: d.id, Method: method, Path: path, Tags: []string{tag}, Summary: d.summary,
			Description: strings.TrimSpace(d.says + "\n\nRoles: " + roles + ". By bearer alone: no cookie counts."),
			Security:    []map[string][]string{{"bearer": {}}}, Responses: map[string]*huma.Response{},
		}
		item := &huma.Schema{}
		if d.result != "" {
			item = ref(d.result)
		}
		o.Responses["200"] = &huma.Response{Description: "Done", Content: jsonOf(envelopeOf(item))}
		for _, status := range append([]int{401, 403, 500, 503}, d.statuses...) {
			o.Responses[strconv.Itoa(status)] = &huma.Response{Description: "Refused", Content: jsonOf(ref("MediatelRefusal"))}
		}
		if d.body != "" {
			o.RequestBody = &huma.RequestBody{Required: true, Content: jsonOf(ref(d.body))}
		}
		if strings.HasSuffix(path, "{id}") {
			least := 1.0
			o.Parameters = append(o.Parameters, &huma.Param{Name: "id", In: "path", Required: true,
				Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: &least}})
		}
		for path, name := range map[string]string{"/v1/agents": "Login", "/v1/extensions": "E_Extension"} {
			if pattern == "GET "+path {
				o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "query", Schema: str("")})
			}
		}
		doc.AddOperation(o)
	}
}

func ref(name string) *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + name} }

func str(says string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: says} }
func number(says string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Description: says}
}

func object(says string, properties map[string]*huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: says, Properties: properties, AdditionalProperties: true}
}

func envelopeOf(item *huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"error", "result"}, Properties: map[string]*huma.Schema{
		"error": ref("MediatelError"), "result": {Type: huma.TypeArray, Items: item},
	}}
}

func jsonOf(s *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: s}}
}
