// The script of the confirmation page, alone on its origin.

import { call } from "./call";
import { busy, fail, one } from "./dom";
import { bindTimes } from "./small";
import { type Begun, show } from "./webauthn";

/** confirm signs what the page shows and goes back to where the exchange waits. */
async function confirm(path: string): Promise<void> {
	const finished = await show(await call<Begun>("POST", `${path}/begin`));
	const { back } = await call<{ back: string }>("POST", path, finished);
	if (back) location.replace(back);
	else location.reload();
}

const root = one<HTMLElement>("[data-confirm]");
const button = root && one<HTMLButtonElement>("[data-begin]", root);
if (root && button) {
	button.hidden = false;
	button.addEventListener("click", () => {
		fail(root, "");
		void busy(button, () => confirm(root.dataset.confirm ?? "").catch((error: unknown) => {
			fail(root, error instanceof Error ? error.message : String(error));
		}));
	});
}
// The page with the button comes by itself; a clock here that is ahead asks for it every ten seconds, no more often.
const young = one<HTMLTimeElement>("[data-young] time");
if (young) setTimeout(() => { location.reload(); }, Math.max(10_000, new Date(young.dateTime).getTime() + 1000 - Date.now()));
bindTimes();
