// Finding and showing things. Nothing here, and nothing anywhere else, writes HTML: texts are set as text.

/** all lists the elements below root that match. */
export function all<T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T[] {
	return [...root.querySelectorAll<T>(selector)];
}

/** one finds the first element that matches, if there is one. */
export function one<T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T | null {
	return root.querySelector<T>(selector);
}

/** word is a text that the server put on the page for us, in the reader's language. */
export function word(name: string): string {
	return document.body.dataset[name] ?? "";
}

/** fill sets values into a text: fill("{n} more", {n: "3"}). */
export function fill(text: string, values: Record<string, string>): string {
	return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** fail shows what went wrong in the place that a part of the page has for it, and moves the reader there. */
export function fail(root: ParentNode, message: string): void {
	const place = one("[data-failure]", root);
	if (place) {
		place.textContent = message;
		place.hidden = message === "";
		if (message) place.focus();
	}
}

/** busy runs a task of a button, which cannot be pressed again meanwhile. */
export async function busy(button: HTMLButtonElement, task: () => Promise<void>): Promise<void> {
	button.disabled = true;
	try {
		await task();
	} finally {
		button.disabled = false;
	}
}
