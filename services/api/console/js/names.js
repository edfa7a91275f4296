// Short names of markets.

import { t } from "./i18n.js";

export const marketName = (market) => (market === "perp" ? t("perp") : t("spot"));
