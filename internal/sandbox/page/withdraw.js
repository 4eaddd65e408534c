// Sends a withdrawal. The gate refuses it and names a page on which its user confirms exactly this with a passkey; back from there, the very same
// form is sent again with the confirmation.
const form = document.querySelector("form[action='/withdraw']");
const place = document.querySelector("#send-problem");

function say(text) {
	place.textContent = text;
	place.hidden = false;
	place.focus();
}

async function send(body, confirmation) {
	const headers = { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" };
	if (confirmation) headers["Sallyport-Confirmation"] = confirmation;
	const answer = await fetch("/withdraw", { method: "POST", headers, body });
	if (answer.ok) {
		sessionStorage.removeItem(confirmation);
		location.replace(answer.url);
		return;
	}
	if (!answer.headers.get("Content-Type")?.startsWith("application/problem+json")) {
		const page = new DOMParser().parseFromString(await answer.text(), "text/html");
		say(page.querySelector("[role=alert]")?.textContent ?? answer.statusText);
		return;
	}
	const problem = await answer.json();
	if (problem.code === "confirmation.required") {
		sessionStorage.setItem(problem.fields.confirmation, body);
		location.assign(problem.fields.url);
		return;
	}
	say([problem.title, problem.detail].filter(Boolean).join(" "));
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
		void send(fields.toString(), "");
	});
	const given = new URLSearchParams(location.search).get("confirmation");
	const waiting = given && sessionStorage.getItem(given);
	if (waiting) void send(waiting, given);
}
