// Sends a withdrawal. The gate refuses it and names a page on which its user confirms exactly this with a passkey; back from there, the very same
// form is sent again with the confirmation.
const form = document.querySelector("form[action='/withdraw']");
const place = document.querySelector("#send-problem");

// inputs maps what the gate calls a part of the transaction → the form's name for it, where they differ.
const inputs = { asset: "currency", network: "currency", memo: "tag", fee: "amount" };

// local writes the moments in a text as the reader's own clock shows them.
function local(text) {
	const style = { dateStyle: "medium", timeStyle: "short" };
	return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (moment) => new Date(moment).toLocaleString(document.documentElement.lang, style));
}

// say shows what is wrong, and marks the field that it is about; name is empty where it is about none.
function say(text, name = "") {
	clear();
	place.classList.add("wrong");
	place.textContent = local(text);
	place.hidden = false;
	const field = name && form.elements.namedItem(inputs[name] ?? name);
	field?.setAttribute?.("aria-invalid", "true");
	field?.setAttribute?.("aria-errormessage", place.id);
	(field || place).focus();
}

// What was confirmed may have to wait for days, longer than a tab is open. So it is kept in this browser, under whose it is and the id of its
// confirmation, for as long as that is good. Who comes to the same browser later sends nothing of somebody else's, nor from another subaccount.
const keptAs = (confirmation) => `withdrawal ${form.dataset.whose} ${confirmation}`;

function keep(confirmation, body, until, held) {
	localStorage.setItem(keptAs(confirmation), JSON.stringify({ body, until, held }));
}

function forget(confirmation) {
	localStorage.removeItem(keptAs(confirmation));
}

// kept lists what waits, without what is over by now.
function kept() {
	const waiting = [];
	for (const name of Object.keys(localStorage).filter((key) => key.startsWith(keptAs("")))) {
		const { body, until, held } = JSON.parse(localStorage.getItem(name));
		if (Date.parse(until) > Date.now()) waiting.push({ confirmation: name.slice(keptAs("").length), body, held });
		else localStorage.removeItem(name);
	}
	return waiting;
}

// waits says that a confirmed withdrawal stands until a hold has ended, why, and how it is cancelled; fields are those of the gate's refusal. What was
// sent is kept, and goes again when this page is opened again.
function waits({ waits_for: what, held_until: until, reasons = [], cancel_url: cancel }) {
	const words = JSON.parse(form.dataset.reasons);
	const texts = { end: form.dataset.held.replace("%s", until), unlock: form.dataset.heldLocked };
	say([texts[what] ?? form.dataset.heldOpen, ...reasons.map((reason) => words[reason] ?? words.other)].join(" "));
	place.classList.remove("wrong");
	const links = [[cancel, form.dataset.cancel]];
	if (form.dataset.dashboard) links.push(what === "unlock" ? [`${form.dataset.dashboard}/`, form.dataset.unlock] : [`${form.dataset.dashboard}/confirmations`, form.dataset.waiting]);
	const text = document.createElement("span");
	text.append(place.textContent);
	for (const [href, words] of links) {
		const link = document.createElement("a");
		link.href = href;
		link.textContent = words;
		text.append(" ", link);
	}
	place.replaceChildren(text);
}

function clear() {
	place.hidden = true;
	for (const field of form.querySelectorAll("[aria-invalid]")) {
		field.removeAttribute("aria-invalid");
		field.removeAttribute("aria-errormessage");
	}
}

// units is an amount in hundred millionths; -1 for what the exchange would not read as one.
function units(text) {
	const [, whole, part = ""] = /^(\d{1,20})(?:\.(\d{1,8}))?$/.exec(text) ?? [];
	return whole === undefined ? -1n : BigInt(whole + part.padEnd(8, "0"));
}

// wrongAmount is why the exchange would not pay this out: nobody is asked for a passkey first and told so afterwards. What counts is what the
// exchange says when it is asked.
function wrongAmount(amount, coin) {
	const wanted = units(amount);
	if (wanted <= 0n) return form.dataset.number;
	if (wanted < units(coin.dataset.least)) return form.dataset.small;
	return wanted + units(coin.dataset.fee) > units(coin.dataset.free) ? form.dataset.short : "";
}

async function send(body, confirmation) {
	const headers = { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" };
	if (confirmation) headers["Sallyport-Confirmation"] = confirmation;
	const answer = await fetch("/withdraw", { method: "POST", headers, body });
	if (answer.ok) {
		forget(confirmation);
		location.replace(answer.url);
		return;
	}
	if (!answer.headers.get("Content-Type")?.startsWith("application/problem+json")) {
		const page = new DOMParser().parseFromString(await answer.text(), "text/html");
		say(page.querySelector("[role=alert]")?.textContent ?? answer.statusText, page.querySelector("form[action='/withdraw'] [aria-invalid]")?.name);
		return;
	}
	const problem = await answer.json();
	if (problem.code === "confirmation.required") {
		keep(problem.fields.confirmation, body, problem.fields.expires_at, false);
		location.assign(problem.fields.url);
		return;
	}
	if (problem.code === "confirmation.held") {
		keep(confirmation, body, problem.fields.expires_at, true);
		waits(problem.fields);
		return;
	}
	if (problem.code === "confirmation.void") {
		forget(confirmation);
		say(form.dataset.void);
		return;
	}
	say([problem.title, problem.detail].filter(Boolean).join(" "), problem.fields?.field);
}

if (form && place) {
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		const coin = form.elements.namedItem("currency").selectedOptions[0];
		const fields = new URLSearchParams(new FormData(form));
		fields.set("amount", fields.get("amount").replace(/[\s,]/g, ""));
		fields.set("address", fields.get("address").trim());
		fields.set("tag", fields.get("tag").trim());
		fields.set("network", coin.dataset.network);
		fields.set("fee_max", coin.dataset.fee);
		clear();
		const wrong = wrongAmount(fields.get("amount"), coin);
		if (wrong) {
			say(wrong, "amount");
			return;
		}
		void send(fields.toString(), "");
	});
	const given = new URLSearchParams(location.search).get("confirmation");
	// Whoever comes back from confirming says which one; whoever comes back after a hold, in another tab, has what waited it out.
	const waiting = kept().find(({ confirmation, held }) => (given ? confirmation === given : held));
	if (waiting) void send(waiting.body, waiting.confirmation);
}
