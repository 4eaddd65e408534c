// The two halves of a passkey ceremony in the browser. What the server sends and takes is the JSON form of WebAuthn Level 3.

import { word } from "./dom";

/** Begun is the first half: options for the browser, and the sealed state to bring back. */
export interface Begun {
	options: unknown;
	state: string;
}

/** Finished is the second half. */
export interface Finished {
	state: string;
	response: unknown;
}

/** Cancelled is thrown when the browser gave no passkey. Its message is for the reader. */
export class Cancelled extends Error {}

export function supported(): boolean {
	return typeof PublicKeyCredential === "function" && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";
}

/** make has an authenticator make a passkey. */
export async function make(begun: Begun): Promise<Finished> {
	return finish(begun, () => {
		const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(begun.options as PublicKeyCredentialCreationOptionsJSON);
		return navigator.credentials.create({ publicKey });
	});
}

/** show has an authenticator prove with a passkey. Conditional waits in the autofill of a field instead of asking. */
export async function show(begun: Begun, conditional?: AbortSignal): Promise<Finished> {
	return finish(begun, () => {
		const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.options as PublicKeyCredentialRequestOptionsJSON);
		const request: CredentialRequestOptions = { publicKey };
		if (conditional) {
			request.mediation = "conditional";
			request.signal = conditional;
		}
		return navigator.credentials.get(request);
	});
}

async function finish(begun: Begun, ask: () => Promise<Credential | null>): Promise<Finished> {
	if (!supported()) throw new Cancelled(word("passkeyMissing"));
	let credential: Credential | null;
	try {
		credential = await ask();
	} catch (error) {
		throw new Cancelled(reason(error));
	}
	if (!(credential instanceof PublicKeyCredential)) throw new Cancelled(word("passkeyCancelled"));
	return { state: begun.state, response: credential.toJSON() };
}

/** reason says in plain words why a browser gave up (WebAuthn L3 §5.1.3 and §5.1.4 name the errors). */
function reason(error: unknown): string {
	switch (error instanceof DOMException ? error.name : "") {
		case "NotAllowedError":
		case "AbortError":
		case "TimeoutError":
			return word("passkeyCancelled");
		case "InvalidStateError":
			return word("passkeyDuplicate");
		case "NotSupportedError":
			return word("passkeyMissing");
	}
	return word("passkeyFailed");
}
