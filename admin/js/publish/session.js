// What somebody is working on: the values, the template under them, the way back and forth.

import {changed, fromParameters, parameters} from './values.js';

const KEPT = 200;
const TOGETHER_MS = 900;

export class Session {
    #listeners = new Set();
    #past = [];
    #future = [];
    #last = {what: '', at: 0};

    // `bases`: values of each template by its name; '' is the one that applies without a name
    // `extension`: of the source
    constructor({bases, extension}) {
        this.bases = bases;
        this.extension = extension;
        this.state = {tmp: '', values: {...this.base('')}, extras: {}};
    }

    base(tmp = this.state.tmp) {
        return this.bases.get(tmp.toLowerCase()) ?? this.bases.get('') ?? {};
    }

    get values() {
        return this.state.values;
    }

    get parameters() {
        return parameters(this.state.values, this.base(), {tmp: this.state.tmp, extension: this.extension});
    }

    // Names of what differs from the template.
    get changed() {
        return changed(this.state.values, this.base());
    }

    // Take over an address's parameters, without a way back.
    open(given, extras = {}) {
        const tmp = this.bases.has((given.tmp ?? '').toLowerCase()) ? (given.tmp ?? '') : '';
        this.state = {tmp, values: fromParameters(given, this.base(tmp)), extras: {...extras}};
        this.#tell();
    }

    // Change some values. Changes of the same ones in quick succession are one for going back.
    set(values) {
        this.#step(Object.keys(values).join());
        this.state = {...this.state, values: {...this.state.values, ...values}};
        this.#tell();
    }

    // Change what is besides the image: kind of output, texts.
    extra(extras) {
        this.#step(Object.keys(extras).join());
        this.state = {...this.state, extras: {...this.state.extras, ...extras}};
        this.#tell();
    }

    // Put other values in the place of all, over a template's.
    replace(values, tmp = this.state.tmp) {
        this.#step('');
        this.state = {...this.state, tmp, values: {...this.base(tmp), ...values}};
        this.#tell();
    }

    get canUndo() {
        return this.#past.length > 0;
    }

    get canRedo() {
        return this.#future.length > 0;
    }

    undo() {
        this.#move(this.#past, this.#future);
    }

    redo() {
        this.#move(this.#future, this.#past);
    }

    on(listener) {
        this.#listeners.add(listener);
    }

    #move(from, to) {
        if (!from.length) return;
        to.push(this.state);
        this.state = from.pop();
        this.#last = {what: '', at: 0};
        this.#tell();
    }

    #step(what) {
        const now = Date.now();
        const goesOn = what && what === this.#last.what && now - this.#last.at < TOGETHER_MS;
        if (!goesOn) this.#past.push(this.state);
        if (this.#past.length > KEPT) this.#past.shift();
        this.#future = [];
        this.#last = {what, at: now};
    }

    #tell() {
        for (const listener of this.#listeners) listener(this.state);
    }
}
