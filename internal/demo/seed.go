package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

const (
	// CampaignName names the demo's campaign and its queue.
	CampaignName = "Demo"

	// UsualAgents and UsualPeople are how many there are when nobody says otherwise, MostAgents and MostPeople how many there may
	// be.
	UsualAgents, MostAgents = 20, 500
	UsualPeople, MostPeople = 300, 10_000
)

// fictional are the beginnings of numbers that Ofcom keeps for fiction, each with three digits to come.
var fictional = []string{"7700900", "2079460", "1134960", "1144960", "1164960", "1174960", "1184960", "1214960", "1314960",
	"1414960", "1514960", "1614960", "1914980", "2896496", "2920180", "3069990"}

// Seeding is what the demo's house is furnished with. Ids are zero: the store gives them.
type Seeding struct {
	Campaign   campaigns.Campaign
	Contacts   []campaigns.Contact
	Agents     []agents.Agent // without password hashes: the password is made at each start
	Extensions []agents.Extension
	Pauses     []agents.Pause
}

// Seed invents everything; the same number invents the same.
func Seed(number uint64, seats, people int) Seeding {
	random := rand.New(rand.NewPCG(number, 0x52696e67))
	s := Seeding{Campaign: campaign(), Pauses: []agents.Pause{
		{ID: "1", Name: "Technical break"}, {ID: "2", Name: "Lunch"}, {ID: "4", Name: "Meeting"}, {ID: "5", Name: "Training"},
	}}
	free := random.Perm(1000 * min(len(fictional), 1+people*13/10_000)) // every fourth has two
	for i := range people {
		s.Contacts = append(s.Contacts, person(random, i, &free))
	}
	for i := range seats {
		login, extension := loginOf(i), fmt.Sprint(101+i)
		s.Agents = append(s.Agents, agents.Agent{
			Login: login, Name: staff[i%len(staff)], UserID: fmt.Sprint(2001 + i), Username: login,
			Queues: []string{CampaignName}, Extension: extension,
		})
		s.Extensions = append(s.Extensions, agents.Extension{
			Name: extension, Network: "simulated", Number: extension, Codecs: []string{"g711a", "g711u"},
		})
	}
	return s
}

func loginOf(i int) string { return fmt.Sprintf("agent%02d", i+1) }

// campaign is open at all hours, under no law, and in a hurry: nobody watches a demo for two hours to see a retry.
func campaign() campaigns.Campaign {
	c := campaigns.Campaign{
		Name: CampaignName, Queue: CampaignName, Mode: campaigns.Progressive, Status: campaigns.Draft,
		TimeZone: "Europe/London", Region: "GB", Profile: campaigns.NoProfile,
		AgentRing: 10 * time.Second, Ring: 25 * time.Second, WrapUp: 30 * time.Second,
		MaxAttempts: 4,
		Retry: map[campaigns.Outcome]campaigns.RetryRule{
			campaigns.Busy:          {After: time.Minute},
			campaigns.NoAnswer:      {After: 2 * time.Minute},
			campaigns.Rejected:      {After: 5 * time.Minute, Max: 1},
			campaigns.InvalidNumber: {After: time.Second, Max: 2},
			campaigns.Congestion:    {After: 30 * time.Second},
			campaigns.AgentNoAnswer: {After: 15 * time.Second},
			campaigns.Abandoned:     {After: 2 * time.Minute},
			campaigns.Unknown:       {After: 2 * time.Minute},
		},
		CallCodes: []campaigns.CallCode{
			{ID: promiseToPay, Name: "Promise to pay", Action: campaigns.Finish, Meaningful: true, ActionFlag: "0"},
			{ID: callBackLater, Name: "Call back later", Action: campaigns.CallbackAt, After: 5 * time.Minute, ActionFlag: "0"},
			{ID: wrongPerson, Name: "Wrong person", Action: campaigns.Finish, ActionFlag: "0"},
			{ID: refuses, Name: "Refuses to pay", Action: campaigns.Finish, Meaningful: true, ActionFlag: "0"},
			{ID: badLine, Name: "Bad line, try again", Action: campaigns.RetryAfter, After: 2 * time.Minute, ActionFlag: "2"},
			{ID: doNotCall, Name: "Do not call again", Action: campaigns.DoNotCall, ActionFlag: "0"},
		},
		DefaultCode:   badLine,
		CardLink:      "/crm/card/{crm_id}?number={number}&call={calltraceid}",
		RecordingLink: "/records/mediatel-record?calltraceID={calltraceid}",
	}
	c.SetDefaults()
	return c
}

// The demo's call codes.
const (
	promiseToPay  = "1"
	callBackLater = "2"
	wrongPerson   = "3"
	refuses       = "4"
	badLine       = "5"
	doNotCall     = "6"
)

// Debt is the payload of a contact: what the CRM wants to have at hand when the call comes.
type Debt struct {
	Contract string `json:"contract"`
	Product  string `json:"product"`
	Debt     string `json:"debt"`
	Currency string `json:"currency"`
	DueSince string `json:"due_since"`
	City     string `json:"city"`
	Language string `json:"language"`
}

func person(random *rand.Rand, i int, free *[]int) campaigns.Contact {
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	phone := func(label string) campaigns.Phone {
		n := (*free)[0]
		*free = (*free)[1:]
		return campaigns.Phone{Number: fmt.Sprintf("+44%s%03d", fictional[n/1000], n%1000), Label: label}
	}
	phones := []campaigns.Phone{phone("mobile")}
	if random.IntN(4) == 0 {
		phones = append(phones, phone("work"))
	}
	due := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, random.IntN(240))
	payload, err := json.Marshal(Debt{
		Contract: fmt.Sprintf("CR-%06d", 100_000+random.IntN(900_000)),
		Product:  pick([]string{"Consumer loan", "Credit card", "Instalments", "Overdraft", "Car loan"}),
		Debt:     fmt.Sprintf("%d.%02d", 40+random.IntN(4800), random.IntN(100)),
		Currency: "GBP",
		DueSince: due.Format(time.DateOnly),
		City:     pick(strings.Fields("Leeds Bristol Cardiff Glasgow Norwich Belfast York Derby Exeter Dundee")),
		Language: pick([]string{"en", "en", "en", "uk", "ru"}),
	})
	if err != nil {
		panic(err) // strings alone always marshal
	}
	return campaigns.Contact{
		CRMID: fmt.Sprint(10_000_001 + i), Name: pick(givenNames) + " " + pick(familyNames),
		Phones: phones, Priority: random.IntN(3), Payload: payload, State: campaigns.Waiting,
	}
}

// Names of nobody in particular.
var (
	givenNames = strings.Fields(`
		Ada Alan Amelia Arthur Beatrix Bohdan Clara Cyril Daryna Dorothy Edith Edmund Florence Frank George
		Grace Halyna Harold Iris Ivan Jane Jasper Kateryna Kenneth Lesia Leonard Mabel Maksym Nora Oksana
		Oliver Olive Petro Quentin Rosa Rupert Sofiia Stanley Taras Thelma Ursula Victor Vira Walter
		Winifred Yaroslav Yuliia Zoe`)
	familyNames = strings.Fields(`
		Ashworth Barker Bell Bondar Carver Chapman Dyer Drozd Ellison Fletcher Forester Glover Harper
		Honchar Inman Joiner Kavka Koval Kravets Lister Marlow Melnyk Miller Naylor Orlyk Osborne Pike
		Potter Quill Rudenko Sawyer Skipper Sokil Tanner Thorne Underhill Verba Vyshnia Webster Wheeler
		Yarwood Zhuk`)
	staff = []string{
		"Olena Kushnir", "Martin Reeve", "Iryna Lys", "Tom Hollis",
		"Natalia Bober", "Emma Lark", "Andrii Hai", "Ruth Alder",
		"Svitlana Kalyna", "James Fenn", "Marta Duda", "Paul Heron",
		"Viktoriia Zoria", "Lucy Marsh", "Roman Stepovyi", "Anna Birch",
		"Denys Luh", "Helen Wren", "Oleh Bilous", "Kate Rowan",
	}
)
