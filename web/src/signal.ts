// Keeping the browser's own list of passkeys true to ours (WebAuthn L3 §5.1.10). Browsers that cannot do it are left alone, and what goes wrong here
// is nobody's business: the list in the browser is a convenience, ours is the one that counts.

import { one } from "./dom";

interface Known {
	rpId: string;
	userId: string;
	name: string;
	displayName: string;
	allAcceptedCredentialIds: string[];
}

interface Signals {
	signalAllAcceptedCredentials?(known: { rpId: string; userId: string; allAcceptedCredentialIds: string[] }): Promise<void>;
	signalCurrentUserDetails?(known: { rpId: string; userId: string; name: string; displayName: string }): Promise<void>;
	signalUnknownCredential?(unknown: { rpId: string; credentialId: string }): Promise<void>;
}

function signals(): Signals {
	return typeof PublicKeyCredential === "function" ? (PublicKeyCredential as unknown as Signals) : {};
}

/** bindSignal tells the browser, on the page that lists the passkeys, which there are and whose they are. */
export function bindSignal(): void {
	const told = one("[data-signal]")?.dataset.signal;
	if (!told) return;
	const { rpId, userId, name, displayName, allAcceptedCredentialIds } = JSON.parse(told) as Known;
	const to = signals();
	void to.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds }).catch(() => undefined);
	void to.signalCurrentUserDetails?.({ rpId, userId, name, displayName }).catch(() => undefined);
}

/** forget has the browser offer a passkey no more that we do not know. */
export function forget(rpId: unknown, credentialId: unknown): void {
	if (typeof rpId !== "string" || typeof credentialId !== "string") return;
	void signals().signalUnknownCredential?.({ rpId, credentialId }).catch(() => undefined);
}
