import { HEALTH_TEXTS, PROBE_TEXTS, REMARK_TEXTS, REPAIR_TEXTS } from "@hearthnet/host/contract";

/** What the node's checks find. English is the tables' own text, as the terminal shows it. */
export const findings = { checks: HEALTH_TEXTS, repairs: REPAIR_TEXTS, probes: PROBE_TEXTS, remarks: REMARK_TEXTS };
