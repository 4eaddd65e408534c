// The buttons that begin a ceremony, and the autofill of the sign-in.

import { call, Refused } from "./call";
import { all, busy, fail, one } from "./dom";
import { forget } from "./signal";
import { provenCall } from "./stepup";
import { type Begun, type Finished, make, show, supported } from "./webauthn";

/** A ceremony is what happens when its button is pressed. */
type Ceremony = (root: HTMLElement) => Promise<void>;

const ceremonies: Record<string, Ceremony> = {
	"sign-in": signIn,
	"sign-up": signUp,
	enrol,
	"step-up": stepUp,
	recover,
	test,
};

export function bindPasskeys(): void {
	for (const root of all("[data-ceremony]")) {
		const ceremony = ceremonies[root.dataset.ceremony ?? ""];
		const button = one<HTMLButtonElement>("[data-begin]", root);
		if (!ceremony || !button) continue;
		button.hidden = false;
		button.addEventListener("click", () => {
			fail(root, "");
			void busy(button, async () => {
				try {
					await ceremony(root);
				} catch (error) {
					fail(root, error instanceof Error ? error.message : String(error));
				}
			});
		});
	}
	const name = passkeyName()?.closest<HTMLElement>("[hidden]");
	if (name) name.hidden = false;
	if (one("[data-sign-in]")) void offerInAutofill();
}

/** waiting is the request that stands behind the autofill; a button's own ceremony takes its place. */
let waiting: AbortController | undefined;

function stopWaiting(): void {
	waiting?.abort();
	waiting = undefined;
}

/** renewal is when a waiting ceremony is begun anew: before its state, which lives five minutes, has ended. */
const renewal = 4 * 60 * 1000;

/**
 * offerInAutofill puts passkeys into the autofill of the address field. Whether a browser can do that is not asked but tried: some say no and can.
 * What goes wrong here is nobody's business, because the button and the form are still there.
 */
async function offerInAutofill(): Promise<void> {
	if (!supported()) return;
	const mine = new AbortController();
	waiting = mine;
	const timer = setTimeout(() => {
		if (waiting === mine) {
			stopWaiting();
			void offerInAutofill();
		}
	}, renewal);
	try {
		const begun = await call<Begun>("POST", "/v1/sign-in/passkey/begin");
		const finished = await show(begun, mine.signal);
		await present(begun, finished);
		await enter();
	} catch (error) {
		const place = one("[data-ceremony=sign-in]");
		if (error instanceof Refused && place && waiting === mine) fail(place, error.message);
	} finally {
		clearTimeout(timer);
	}
}

/**
 * enter goes where the reader wanted to; the server has checked that it is a path of ours. A form that waited for the sign-in is sent with the token
 * of the new session: it opens for its own user alone.
 */
async function enter(): Promise<void> {
	const kept = one<HTMLFormElement>("form[data-kept]");
	const token = kept && one<HTMLInputElement>("input[name=form_token]", kept);
	if (token) {
		token.value = (await call<{ form_token: string }>("GET", "/v1/form-token")).form_token;
		kept.submit();
		return;
	}
	location.assign(one("[data-sign-in]")?.dataset.returnTo || "/");
}

async function signIn(): Promise<void> {
	stopWaiting();
	const begun = await call<Begun>("POST", "/v1/sign-in/passkey/begin");
	await present(begun, await show(begun));
	await enter();
}

/** present hands a passkey's answer over. One that we do not know is forgotten by the browser too, so that it is not offered again. */
async function present(begun: Begun, finished: Finished): Promise<void> {
	try {
		await call("POST", "/v1/sign-in/passkey", { ...finished, shared: shared() });
	} catch (error) {
		if (error instanceof Refused && error.problem.code === "passkey.unknown") {
			forget((begun.options as { rpId?: unknown }).rpId, (finished.response as { id?: unknown }).id);
		}
		throw error;
	}
}

/** Enrolled says what an enrolment still lacks before it counts as done. */
interface Enrolled {
	next?: string;
}

async function signUp(root: HTMLElement): Promise<void> {
	const id = root.closest<HTMLElement>("[data-sign-up]")?.dataset.signUp ?? "";
	const path = `/v1/sign-up/${encodeURIComponent(id)}/passkey`;
	const begun = await call<Begun>("POST", `${path}/begin`);
	const made = await call<Enrolled>("POST", path, await make(begun));
	location.assign(made.next === "recovery_codes" ? "/recovery/codes" : "/");
}

/** recover comes back with a new passkey, keeping what was ticked. */
async function recover(root: HTMLElement): Promise<void> {
	const form = root.closest<HTMLFormElement>("[data-recovery]");
	if (!form) return;
	const path = `/v1/recoveries/${encodeURIComponent(form.dataset.recovery ?? "")}/passkey`;
	const begun = await call<Begun>("POST", `${path}/begin`);
	const ticked = all<HTMLInputElement>("input[name=keep]:checked").map((box) => box.value);
	const keep = {
		totp: ticked.includes("totp"),
		recovery_codes: ticked.includes("recovery_code"),
		second: ticked.includes("second"),
		number: ticked.includes("number"),
		passkeys: ticked.filter((value) => value.startsWith("pk_")),
	};
	await call("POST", path, { ...(await make(begun)), keep });
	location.assign("/recovery");
}

function passkeyName(): HTMLInputElement | null {
	return one<HTMLInputElement>("#passkey-name");
}

async function enrol(): Promise<void> {
	const begun = await call<Begun>("POST", "/v1/passkeys/begin");
	const finished = await make(begun);
	const added = await provenCall<Enrolled & { id: string }>("/v1/passkeys", { ...finished, name: passkeyName()?.value ?? "" });
	if (added.next === "recovery_codes") {
		location.assign("/recovery/codes");
		return;
	}
	location.hash = added.id;
	location.reload();
}

/** test tries one passkey out and says that it works. */
async function test(root: HTMLElement): Promise<void> {
	const row = root.closest<HTMLElement>("[data-passkey]");
	const works = row && one("[data-tested]", row);
	if (!row || !works) return;
	works.hidden = true;
	const path = `/v1/passkeys/${encodeURIComponent(row.dataset.passkey ?? "")}/test`;
	await call("POST", path, await show(await call<Begun>("POST", `${path}/begin`)));
	works.hidden = false;
}

/** stepUp proves on the page that asks for it: the answer goes into the form, which then goes on its way. */
async function stepUp(root: HTMLElement): Promise<void> {
	const form = root.closest<HTMLFormElement>("form");
	if (!form) return;
	let begun: Begun;
	try {
		begun = await call<Begun>("POST", `/v1/step-ups/${encodeURIComponent(form.dataset.stepUp ?? "")}/passkey/begin`);
	} catch (error) {
		if (!(error instanceof Refused && error.problem.code === "step_up.not_found")) throw error;
		form.submit(); // too old: the page that answers keeps what was filled in, and lets it be sent again
		return;
	}
	const finished = await show(begun);
	const field = (name: string): HTMLInputElement => form.elements.namedItem(name) as HTMLInputElement;
	field("proof_state").value = finished.state;
	field("proof_response").value = JSON.stringify(finished.response);
	form.submit();
}

/** shared is whether the reader said that this is not their device. */
function shared(): boolean {
	return one<HTMLInputElement>("#shared")?.checked ?? false;
}
