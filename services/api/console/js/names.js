// Names of markets, and of the currency that they are priced in.

import { t } from "./i18n.js";

const USUAL = "USDT";
const quoteOf = (symbol) => /\/([^:]+)/.exec(symbol ?? "")?.[1];
const joined = (name, symbol) => {
  const quote = quoteOf(symbol);
  return [name, quote && quote !== USUAL ? quote : ""].filter(Boolean).join("·");
};

/** "perp", "spot", with the quote currency where it is not the usual one. */
export const marketName = (market, symbol) => joined(t(market === "perp" ? "perp" : "spot"), symbol);

/** Only what is unusual: "spot" where it is no perpetual, the quote currency where it is not the usual one. */
export const marketTag = (market, symbol) => joined(market === "spot" ? t("spot") : "", symbol);
