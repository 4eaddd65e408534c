// Small comforts. Each page works without any of them.

import { all, fill, one, word } from "./dom";

/** The day before the month and hours up to 24, as the server writes them. */
const lang = document.documentElement.lang === "ko" ? "ko" : "en-GB";

/** bindTimes turns times into the reader's own zone and keeps "3 minutes ago" true, once a minute. */
export function bindTimes(): void {
	const exact = new Intl.DateTimeFormat(lang, { dateStyle: lang === "ko" ? "long" : "medium", timeStyle: "short", hourCycle: "h23" });
	const zoned = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "long" });
	for (const time of all<HTMLTimeElement>("time[datetime]")) {
		const at = new Date(time.dateTime);
		time.title = zoned.format(at);
		if ("exact" in time.dataset) time.textContent = exact.format(at);
	}
	const zone = one("[data-zone]");
	const name = new Intl.DateTimeFormat(lang, { timeZoneName: "long" }).formatToParts().find((part) => part.type === "timeZoneName")?.value;
	if (zone && name) zone.textContent = fill(zone.dataset.zone ?? "", { zone: name });
	setInterval(retell, 60_000);
}

const units: [Intl.RelativeTimeFormatUnit, number, number][] = [
	["minute", 60_000, 2 * 3_600_000],
	["hour", 3_600_000, 48 * 3_600_000],
	["day", 86_400_000, Infinity],
];

function retell(): void {
	const relative = new Intl.RelativeTimeFormat(lang);
	for (const time of all<HTMLTimeElement>("time[datetime]:not([data-exact])")) {
		const distance = new Date(time.dateTime).getTime() - Date.now();
		const [unit, size] = units.find(([, , limit]) => Math.abs(distance) < limit) ?? ["day", 86_400_000];
		const n = Math.round(distance / size);
		// Before the text changes, so that the change is heard; a screen reader says nothing of what is hours away.
		if ("counts" in time.dataset && distance > 0 && distance < near) time.setAttribute("aria-live", "polite");
		const told = n === 0 ? word("nowWord") : relative.format(n, unit);
		if (time.textContent !== told) time.textContent = told;
	}
}

/** From when on what is to come is counted down aloud, a minute at a time. */
const near = 5 * 60_000;

/** bindAfter leaves a page whose form answers with a file, once the file has come: the server says so in a cookie. */
export function bindAfter(): void {
	const form = one("form[data-after]");
	if (!form) return;
	const gone = "__Host-arrived=; Path=/; Secure; SameSite=Strict; Max-Age=0";
	document.cookie = gone;
	const watch = setInterval(() => {
		if (!document.cookie.split("; ").includes("__Host-arrived=1")) return;
		clearInterval(watch);
		document.cookie = gone;
		location.assign(form.dataset.after ?? "/");
	}, 500);
}

/** bindZones tells the hours of pictures in the browser's zone, unless another was chosen. */
export function bindZones(): void {
	const form = one<HTMLFormElement>("form[data-zones]");
	const here = String(-new Date().getTimezoneOffset());
	if (!form || here === "0" || location.search !== "") return;
	if (one(`option[value="${here}"]`, form)) location.replace(`?offset=${here}`);
}

/** bindOffsets says how far from UTC the moments are that are typed into a form: in the reader's own zone, as all times of the page. */
export function bindOffsets(): void {
	for (const hidden of all<HTMLInputElement>("[data-offset-of]")) {
		const field = document.getElementById(hidden.dataset.offsetOf ?? "") as HTMLInputElement | null;
		field?.addEventListener("input", () => {
			const at = new Date(field.value); // of that moment, because summer has another offset than winter
			hidden.value = Number.isNaN(at.getTime()) ? "0" : String(-at.getTimezoneOffset());
		});
	}
}

/** bindCopy shows the buttons that copy a text. */
export function bindCopy(): void {
	if (!navigator.clipboard) return;
	for (const button of all<HTMLButtonElement>("[data-copy]")) {
		const label = one("span", button);
		const text = label?.textContent ?? "";
		button.hidden = false;
		button.addEventListener("click", () => {
			const source = document.getElementById(button.dataset.copy ?? "");
			const tell = (said: string) => {
				if (!label) return;
				label.textContent = said;
				setTimeout(() => { label.textContent = text; }, 3000);
			};
			void navigator.clipboard.writeText(source?.textContent ?? "").then(() => { tell(button.dataset.done ?? ""); }, () => {
				if (source) getSelection()?.selectAllChildren(source); // a browser that refuses leaves it to the keyboard
				tell(button.dataset.refused ?? "");
			});
		});
	}
}

/** bindPrint shows the buttons that print a page. */
export function bindPrint(): void {
	for (const button of all<HTMLButtonElement>("[data-print]")) {
		button.hidden = false;
		button.addEventListener("click", () => { print(); });
	}
}

/** bindShow lets people see the password they typed. */
export function bindShow(): void {
	for (const button of all<HTMLButtonElement>("[data-show]")) {
		const field = document.getElementById(button.dataset.show ?? "") as HTMLInputElement | null;
		if (!field) continue;
		const show = button.textContent ?? "";
		button.hidden = false;
		button.addEventListener("click", () => {
			const seen = field.type === "password";
			field.type = seen ? "text" : "password";
			button.setAttribute("aria-pressed", String(seen));
			button.textContent = seen ? (button.dataset.hideWord ?? show) : show;
		});
		// A password that is in sight when the form goes away would be kept by the browser as plain text.
		field.form?.addEventListener("submit", () => { field.type = "password"; });
	}
}

/** bindMeter counts a new password along, in code points as the server does. */
export function bindMeter(): void {
	for (const advice of all("[data-length-of]")) {
		const field = document.getElementById(advice.dataset.lengthOf ?? "") as HTMLInputElement | null;
		const meter = one("[aria-live]", advice);
		if (!field || !meter) continue;
		const least = Number(advice.dataset.least);
		field.addEventListener("input", () => {
			const missing = least - [...field.value.normalize("NFC")].length;
			meter.hidden = field.value === "";
			meter.textContent = missing > 0 ? fill(meter.dataset.more ?? "", { n: String(missing) }) : (meter.dataset.enough ?? "");
		});
	}
}

/** bindEnding warns two minutes before a session turns idle or ends, without touching what is being typed. */
export function bindEnding(): void {
	const note = one("[data-ending]");
	if (!note) return;
	const ends = Date.parse(note.dataset.ends ?? "");
	const length = Date.parse(note.dataset.idle ?? "") - Date.now();
	let idle = Date.parse(note.dataset.idle ?? "");
	const notice = 2 * 60_000;
	const look = (): void => {
		const now = Date.now();
		const which = ends - now < notice ? "ends" : idle - now < notice ? "idle" : "";
		note.hidden = which === "";
		for (const text of all("[data-when]", note)) text.hidden = text.dataset.when !== which;
		const stay = one("[data-stay]", note);
		if (stay) stay.hidden = which !== "idle";
	};
	one("[data-stay]", note)?.addEventListener("click", () => {
		const body = new URLSearchParams({ form_token: one<HTMLInputElement>("input[name=form_token]")?.value ?? "" });
		void fetch("/still-here", { method: "POST", body, redirect: "error" }).then((answer) => {
			if (answer.ok) idle = Date.now() + length;
			look();
		});
	});
	look();
	setInterval(look, 20_000);
}

/**
 * bindContinue goes on to the next page by itself, where the reader has already said that they want to. It leaves no page behind on which the
 * browser's back button would send them forward again.
 */
export function bindContinue(): void {
	const [visit] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
	const next = one("[data-continue]");
	if (visit?.type === "back_forward") return;
	if (next instanceof HTMLFormElement) next.submit();
	if (next instanceof HTMLAnchorElement) location.replace(next.href);
}
