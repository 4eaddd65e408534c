// The form of a new API key: its plan in words, and key pairs that are made in this browser.

import { call, Refused } from "./call";
import { all, busy, fail, fill, one } from "./dom";
import { provenCall } from "./stepup";

interface Issued {
	key: { key_id: string; name: string; dialect: string; algorithm: string; environment: string; scopes: string[] };
}

export function bindNewKey(): void {
	const form = one<HTMLFormElement>("form[data-new-key]");
	if (!form) return;
	offerPair(form);
	const retell = (): void => tell(form);
	form.addEventListener("input", retell);
	retell();
	form.addEventListener("submit", (event) => {
		if (chosen(form, "kind") !== "browser") return;
		event.preventDefault();
		const button = one<HTMLButtonElement>("button:not([type])", form);
		if (button) void busy(button, () => makeHere(form));
	});
}

/** offerPair shows the way of signing that needs us, and takes it unless the form came back with another choice. */
function offerPair(form: HTMLFormElement): void {
	const place = one("[data-kind=browser]", form);
	const radio = one<HTMLInputElement>("input", place ?? form);
	if (!place || !radio || !crypto.subtle) return;
	place.hidden = false;
	radio.disabled = false;
	if (!one("[role=alert]:not([hidden])")) radio.checked = true;
}

function chosen(form: HTMLFormElement, name: string): string {
	return new FormData(form).get(name)?.toString() ?? "";
}

/** allowlist is what the field holds, with the reader's own address where they ticked it. */
function allowlist(form: HTMLFormElement): string[] {
	const list = chosen(form, "allowlist").split(/[\s,]+/).filter(Boolean);
	if (chosen(form, "here") === "yes") list.push(one("[data-here]", form)?.textContent?.trim() ?? "");
	return list;
}

function optionText(form: HTMLFormElement, name: string): string {
	const select = form.elements.namedItem(name);
	return select instanceof HTMLSelectElement ? (select.selectedOptions[0]?.textContent?.trim() ?? "") : "";
}

/** rest are the fields that no sentence of their own says; each is told by its label, in the plan and before it is confirmed. */
const rest = ["owner", "subaccount", "on_end", "pin", "standby", "markets", "order_most", "day_most", "per_second", "settings"];

function restWords(form: HTMLFormElement): string[] {
	const kind = one("[data-summary-live]", form)?.dataset.wordTemplate ?? "";
	const template = one("[data-templates] [aria-current]")?.textContent?.trim();
	return rest
		.filter((name) => chosen(form, name).trim())
		.map((name) => {
			const label = one(`label[for="${name}"]`, form);
			const [title, hint] = label ? all("span", label) : [];
			const value = name === "standby" ? (hint?.textContent ?? "") : optionText(form, name) || chosen(form, name);
			return `${(title ?? label)?.textContent?.trim() ?? name}: ${value.trim()}`;
		})
		.concat(template ? [`${kind}: ${template}`] : []);
}

/** words says the plan in the words of the labels. */
function words(form: HTMLFormElement): string[] {
	const part = one("[data-summary-live]", form);
	if (!part) return [];
	const say = (name: string, values: Record<string, string> = {}): string => fill(part.dataset[name] ?? "", values);
	const scopes = all<HTMLInputElement>("input[name=scopes]:checked", form).map((box) => box.labels?.[0]?.firstElementChild?.textContent?.trim() ?? "");
	const list = allowlist(form);
	return [
		say("wordKey", { environment: optionText(form, "environment"), name: chosen(form, "name") || "…" }),
		scopes.length ? scopes.join(", ") : say("wordNothing"),
		...vendorWords(form),
		say("wordFrom", { list: list.length ? list.join(", ") : say("wordAnywhere") }),
		...destinationWords(form),
		say("wordLife", { life: optionText(form, "life") }),
		...windowWords(form),
		...restWords(form),
		...(lapses(form) ? [say("wordLapses")] : []),
	];
}

/** destinations are the lines of the field: asset, network, address and memo, with - for none. */
function destinations(form: HTMLFormElement): string[][] {
	return chosen(form, "destinations").split("\n").map((line) => line.trim().split(/\s+/)).filter((parts) => parts[0]);
}

function destinationWords(form: HTMLFormElement): string[] {
	const label = one("[data-summary-live]", form)?.dataset.wordDestinations ?? "";
	const list = destinations(form).map((parts) => parts.join(" "));
	return list.length ? [`${label}: ${list.join(", ")}`] : [];
}

/** vendorWords says who outside the account is given the key. */
function vendorWords(form: HTMLFormElement): string[] {
	const label = one("[data-summary-live]", form)?.dataset.wordVendor ?? "";
	const vendor = chosen(form, "vendor").trim();
	return vendor ? [`${label}: ${vendor}`] : [];
}

/** windowWords says a window of the key's own. */
function windowWords(form: HTMLFormElement): string[] {
	const label = one("[data-summary-live]", form)?.dataset.wordWindow ?? "";
	return chosen(form, "window") ? [`${label}: ${optionText(form, "window")}`] : [];
}

/** lapses says whether the key would trade for its first days only: it may trade, and is tied to no place. */
function lapses(form: HTMLFormElement): boolean {
	const ceiling = chosen(form, "order_most").trim() || chosen(form, "day_most").trim();
	const pinned = chosen(form, "pin") && ceiling && ["browser", "ed25519", "binance-ed25519", "coinbase-ed25519"].includes(chosen(form, "kind"));
	return new FormData(form).getAll("scopes").includes("orders:write") && allowlist(form).length === 0 && !pinned;
}

/** beyond is what a key will be beyond the server's summary of it, as the page that confirms the other kinds says it. */
function beyond(form: HTMLFormElement): string[] {
	const part = one("[data-summary-live]", form);
	const row = (name: string, value: string): string => `${part?.dataset[name] ?? ""}: ${value}`;
	return [
		row("wordPurpose", chosen(form, "purpose")),
		...restWords(form),
		...vendorWords(form),
		row("wordAllowlist", allowlist(form).join(", ") || (part?.dataset.wordAnywhere ?? "")),
		...destinationWords(form),
		row("wordSigns", one("label[for=kind-browser] span", form)?.textContent?.trim() ?? ""),
		...windowWords(form),
		...(lapses(form) ? [row("wordTrade", part?.dataset.wordLapses ?? "")] : []),
	];
}

function tell(form: HTMLFormElement): void {
	const part = one("[data-summary-live]", form);
	const list = one("ul", part ?? form);
	if (!part || !list) return;
	part.hidden = false;
	list.replaceChildren(...words(form).map((text) => {
		const line = document.createElement("li");
		line.textContent = text;
		return line;
	}));
}

/** bounds are what the key may do at most. */
function bounds(form: HTMLFormElement): Record<string, unknown> {
	const markets = chosen(form, "markets").split(/[\s,]+/).filter((market) => market !== "");
	const perSecond = Number(chosen(form, "per_second"));
	return {
		...(markets.length > 0 && { markets }),
		...(chosen(form, "order_most") && { order_most: chosen(form, "order_most").trim() }),
		...(chosen(form, "day_most") && { day_most: chosen(form, "day_most").trim() }),
		...(perSecond > 0 && { per_second: perSecond }),
	};
}

/** makeHere makes a key pair, proves to the server that we hold it, and shows the private half, which goes nowhere else. */
async function makeHere(form: HTMLFormElement): Promise<void> {
	fail(form, "");
	for (const field of all("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
	try {
		const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
		const { challenge } = await call<{ challenge: string }>("POST", "/v1/keys/challenge");
		const proof = new TextEncoder().encode(`sallyport-key-proof-v1\n${challenge}`);
		const wanted = {
			name: chosen(form, "name"),
			purpose: chosen(form, "purpose"),
			...(chosen(form, "owner") && { service_user: chosen(form, "owner") }),
			...(chosen(form, "vendor") && { vendor: chosen(form, "vendor") }),
			environment: chosen(form, "environment"),
			...(chosen(form, "subaccount") && { subaccount: chosen(form, "subaccount") }),
			scopes: new FormData(form).getAll("scopes"),
			allowlist: allowlist(form),
			...(chosen(form, "template") && { template: chosen(form, "template") }),
			on_end: chosen(form, "on_end"),
			...(chosen(form, "pin") && { pin: chosen(form, "pin") }),
			standby: chosen(form, "standby") === "yes",
			bounds: bounds(form),
			destinations: destinations(form).map(([asset, network, address = "", memo]) => ({
				asset,
				...(network && network !== "-" && { network }),
				address,
				...(memo && memo !== "-" && { memo }),
			})),
			window_ms: Number(chosen(form, "window")) * 1000,
			settings: chosen(form, "settings").split(/\s+/).filter(Boolean),
			life_seconds: Number(chosen(form, "life")),
			dialect: "native",
			algorithm: "ed25519",
			public_key: base64(await crypto.subtle.exportKey("raw", pair.publicKey)),
			challenge,
			possession: base64(await crypto.subtle.sign("Ed25519", pair.privateKey, proof)),
		};
		const issued = await provenCall<Issued>("/v1/keys", wanted, beyond(form));
		present(issued, pem(await crypto.subtle.exportKey("pkcs8", pair.privateKey)));
	} catch (error) {
		fail(form, error instanceof Error ? error.message : String(error));
		const field = error instanceof Refused ? form.elements.namedItem(String(error.problem.fields?.field)) : null;
		if (field instanceof HTMLElement) {
			field.setAttribute("aria-invalid", "true");
			field.focus();
		}
	}
}

function present(issued: Issued, privateKey: string): void {
	const made = one("[data-made]");
	if (!made) return;
	const { key } = issued;
	const name = fileName(key.name);
	const put = (id: string, text: string): void => {
		const place = document.getElementById(id);
		if (place) place.textContent = text;
	};
	put("made-id", key.key_id);
	put("made-private", privateKey);
	put("made-check", fill(made.dataset.check ?? "", { file: name }));
	const link = one<HTMLAnchorElement>("[data-made-file]", made);
	if (link) {
		const { key_id, algorithm, dialect, environment, scopes } = key;
		const file = { key_id, algorithm, private_key: privateKey, dialect, environment, scopes };
		link.href = URL.createObjectURL(new Blob([`${JSON.stringify(file, null, 2)}\n`], { type: "application/json" }));
		link.download = name;
	}
	for (const place of all("[data-environment]", made)) place.hidden = place.dataset.environment !== key.environment;
	const title = one("main h1");
	if (title) {
		title.textContent = fill(made.dataset.wordTitle ?? "", { name: key.name });
		document.title = `${title.textContent} · ${document.title.split(" · ").pop() ?? ""}`;
	}
	for (const other of all("main > *")) other.hidden = !other.contains(title) && other !== made;
	made.focus();
	made.scrollIntoView();
}

function base64(bytes: ArrayBuffer): string {
	return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/** pem writes a private key the way every tool reads it (RFC 7468 §10). */
function pem(pkcs8: ArrayBuffer): string {
	const lines = base64(pkcs8).match(/.{1,64}/g) ?? [];
	return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}

/** fileName makes a file's name of a key's, as the server does for the other kinds. */
function fileName(name: string): string {
	const short = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
	return `${short || "sallyport-key"}.json`;
}
