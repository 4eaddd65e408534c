// The question for one more proof, asked in a dialog for requests that script sends.

import { call, Refused } from "./call";
import { all, busy, fail, one } from "./dom";
import { type Begun, show } from "./webauthn";

interface StepUp {
	summary: string;
	methods: string[];
}

/**
 * provenCall sends a request; if the server asks for another proof, it asks the reader for it and sends the very same request again.
 * It throws what the server refused, or the refusal that asked for the proof when the reader gave none.
 */
export async function provenCall<T>(path: string, body: unknown, details: string[] = []): Promise<T> {
	try {
		return await call<T>("POST", path, body);
	} catch (error) {
		const id = error instanceof Refused && error.problem.code === "step_up_required" ? error.problem.fields?.step_up : undefined;
		if (typeof id !== "string") throw error;
		if (!(await ask(id, details))) throw error;
	}
	return call<T>("POST", path, body);
}

/** ask opens the dialog and says whether the reader has given the proof. */
async function ask(id: string, details: string[]): Promise<boolean> {
	const dialog = one<HTMLDialogElement>("dialog.step-up");
	if (!dialog) return false;
	const path = `/v1/step-ups/${encodeURIComponent(id)}`;
	const step = await call<StepUp>("GET", path);
	describe(dialog, step, details);
	return new Promise((resolve) => {
		const over = new AbortController();
		const end = (proven: boolean): void => {
			over.abort();
			dialog.close();
			resolve(proven);
		};
		const on = { signal: over.signal };
		dialog.addEventListener("cancel", () => end(false), on);
		one("[data-cancel]", dialog)?.addEventListener("click", () => end(false), on);
		one("form", dialog)?.addEventListener("submit", (event) => {
			event.preventDefault();
			one<HTMLButtonElement>("[data-needs]:not([hidden]) [data-prove]", dialog)?.click();
		}, on);
		for (const button of all<HTMLButtonElement>("[data-prove]", dialog)) {
			button.addEventListener("click", () => {
				void busy(button, async () => {
					try {
						await prove(button.dataset.prove ?? "", path);
						end(true);
					} catch (error) {
						fail(dialog, error instanceof Error ? error.message : String(error));
					}
				});
			}, on);
		}
		dialog.showModal();
		one<HTMLElement>("[data-needs]:not([hidden]) input, [data-needs]:not([hidden]) button", dialog)?.focus();
	});
}

function describe(dialog: HTMLElement, step: StepUp, details: string[]): void {
	fail(dialog, "");
	const summary = one("[data-summary]", dialog);
	if (summary) summary.textContent = step.summary;
	const list = one("[data-details]", dialog);
	list?.replaceChildren(...details.map((text) => {
		const line = document.createElement("li");
		line.textContent = text;
		return line;
	}));
	for (const part of all("[data-needs]", dialog)) part.hidden = part.dataset.needs !== step.methods[0];
	for (const input of all<HTMLInputElement>("input", dialog)) input.value = "";
}

async function prove(method: string, path: string): Promise<void> {
	switch (method) {
		case "passkey":
			return call("POST", `${path}/passkey`, await show(await call<Begun>("POST", `${path}/passkey/begin`)));
		case "totp":
			return call("POST", `${path}/totp`, { code: value("dialog-code").replace(/[\s-]/g, "") });
		default:
			return call("POST", `${path}/password`, { password: value("dialog-password") });
	}
}

function value(id: string): string {
	return (document.getElementById(id) as HTMLInputElement | null)?.value ?? "";
}
