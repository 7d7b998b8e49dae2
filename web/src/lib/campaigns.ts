import { ask } from "./api";
import type { Campaign, Page } from "./types";

const atOnce = 500; // the most that the API lists at once

// allCampaigns are all there are, by id; those that could be had where something went wrong.
export async function allCampaigns(): Promise<Campaign[]> {
  const all: Campaign[] = [];
  for (let cursor = ""; ;) {
    const { status, body } = await ask<Page<Campaign>>(`/api/v1/campaigns?limit=${atOnce}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    if (status !== 200) return all;
    all.push(...body.items);
    cursor = body.next_cursor;
    if (!cursor) return all;
  }
}
