// What the HTTP API answers, as far as the pages show it. docs/api.md and /openapi.json have all of it.

export interface Page<T> {
  items: T[];
  next_cursor: string;
}

export interface Trouble {
  kind: string;
  text: string;
  args: Record<string, string>;
  since: string | null;
  until: string | null;
}

export interface CallCode {
  id: string;
  name: string;
  action: "finish" | "retry_after" | "callback_at" | "do_not_call";
  after?: string;
}

export interface CampaignException {
  date: string; // YYYY-MM-DD, in the campaign's zone
  from: string; // HH:MM; of a closing also empty: the day's beginning
  to: string; // up to 24:00; of a closing also empty: the day's end
  closed: boolean;
  note: string;
}

export interface Campaign {
  id: number;
  name: string;
  status: "draft" | "running" | "paused" | "stopped" | "finished";
  mode: "manual" | "preview" | "progressive" | "predictive";
  queue: string;
  region: string;
  time_zone: string;
  profile: string;
  windows: { cron: string; duration: string }[];
  exceptions: CampaignException[];
  call_codes: CallCode[];
  caller_id: string;
  caller_ids: string[];
  card_link: string;
  script?: string;
  max_attempts: number;
  wrap_up: string;
  priority: number;
  weight: number;
}

export interface CampaignStats {
  contacts: Record<string, number>;
  outcomes: Record<string, number>;
  codes: Record<string, number>;
  dialed: number;
  open: number;
  next_due: string | null;
  talk_seconds: number;
  window_open: boolean;
}

export interface Overview {
  at: string;
  agents: Record<string, number>;
  campaigns: Record<string, number>;
  troubles: Trouble[];
  campaign: Outlook | null;
}

export interface Outlook {
  campaign: Campaign;
  stats: CampaignStats;
  why: Trouble[];
}

interface PacingCount { answered: number; connected: number; abandoned: number; hung_up: number; machines: number; share: number }

export interface PacingNode { node: string; at: string; why: { text: string } | null; originate: number; idle: number; busy: number; ringing: number; waiting: number; room: number; answer_rate: number; ring_seconds: number; expected_free: number; balance: number }

export interface Pacing {
  cap: number;
  counts: "day" | "month";
  today: PacingCount;
  last_half_hour: PacingCount;
  chart: (PacingCount & { from: string })[];
  nodes: PacingNode[];
}

export interface LiveCampaign {
  id: number;
  name: string;
  queue: string;
  mode: Campaign["mode"];
  status: Campaign["status"];
  window_open?: boolean;
}

export interface LiveAgent {
  id: number;
  login: string;
  state: string;
  since: string;
  auto_call: boolean;
  extension: string;
  nailed_up: boolean;
  queues: string[];
  reachable: boolean;
  free: boolean;
  pause_id: string;
  pause_cause?: string;
  error?: string;
  call: { name?: string; crm_id: string; number: string; card_link?: string; queue: string; campaign_id: number; contact_id: number | null; started_at: string } | null;
}

export interface Trunk {
  name: string;
  node: string;
  state: string;
  cause?: string;
  until: string | null;
  calls: number;
  channels: number;
  last_hour?: { calls: number; answered: number; asr: number; acd_seconds: number };
}

export interface OpenCall {
  attempt_id: string;
  campaign_id: number;
  campaign: string;
  contact_id: number | null;
  name: string;
  crm_id: string;
  number: string;
  origin: string;
  state: string;
  agent: string;
  claimed_at: string | null;
  dialed_at: string | null;
  answered_at: string | null;
  node: string;
}

export interface Quality {
  mos: number | null;
  lost: number;
  jitter_ms: number;
}

export interface Attempt {
  id: string;
  calltraceid: string | null;
  campaign_id: number;
  contact_id: number | null;
  agent_id: number | null;
  number: string;
  origin: string;
  state: string;
  outcome: string | null;
  code: string | null;
  cause?: string;
  prepared_at: string | null;
  dialed_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  talk_seconds: number;
  recording?: { agent: Quality; customer: Quality; bytes: number };
  recording_link?: string;
}

export interface Contact {
  id: number;
  campaign_id: number;
  crm_id: string;
  name: string;
  state: string;
  attempts: number;
  next_call_at: string | null;
  phones: { number: string; label?: string; invalid?: boolean }[];
  priority: number;
  time_zone: string;
}

export interface Explanation {
  at: string;
  permit: boolean;
  next_eligible: string | null;
  gates: { rule: string; verdict: "pass" | "refuse"; text: string; source: string; hard: boolean; next_eligible: string | null }[];
}

export interface Me {
  login: string;
  role: "agent" | "supervisor" | "admin" | "crm";
}
