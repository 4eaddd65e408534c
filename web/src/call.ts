// Calls to /v1 from our own pages: the session's cookie goes along by itself, the form token in a header.

import { word } from "./dom";

/** Problem is a refusal as the server writes it (RFC 9457). */
export interface Problem {
	code: string;
	title: string;
	detail?: string;
	fields?: Record<string, unknown>;
}

/** Refused is thrown for every answer that is not a success. Its message is for the reader. */
export class Refused extends Error {
	constructor(readonly problem: Problem) {
		super([problem.title, problem.detail].filter(Boolean).join(" "));
	}
}

const tokenHeader = "Form-Token";

/** The token of this page; an answer that renews the session brings the next one. */
let token = "";

/** call sends one request and gives what was answered. */
export async function call<T = unknown>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
	const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
	const init: RequestInit = { method, headers, cache: "no-store", redirect: "error" };
	if (method !== "GET") {
		headers["Content-Type"] = "application/json";
		headers[tokenHeader] = token || word("formToken");
		if (body !== undefined) init.body = JSON.stringify(body);
	}
	let answer: Response;
	try {
		answer = await fetch(path, init);
	} catch {
		throw new Refused({ code: "unreachable", title: word("unreachable") });
	}
	const next = answer.headers.get(tokenHeader);
	if (next) renew(next);
	if (!answer.ok) throw new Refused(await problemOf(answer));
	return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** renew keeps a new token, also in the forms of this page, which would be refused with the old one. */
function renew(next: string): void {
	token = next;
	for (const field of document.querySelectorAll<HTMLInputElement>("input[name=form_token]")) field.value = next;
}

async function problemOf(answer: Response): Promise<Problem> {
	try {
		return (await answer.json()) as Problem;
	} catch {
		return { code: "unreachable", title: word("unreachable") };
	}
}
