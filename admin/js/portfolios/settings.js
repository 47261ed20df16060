// The fields of what is said about a portfolio: name, description, address, access. The address is checked as one types.

import {batch, get} from '../core/batch.js';
import {copyButton} from '../core/copy.js';
import {$, h, page} from '../core/dom.js';
import {t} from '../core/texts.js';
import {LEVELS, accessOf} from './access.js';

const FORBIDDEN = /[%<>&.?:/]/;
const LONGEST = 64;
const PAUSE = 300;

export class Settings {
    #own; // the address that it has now
    #access; // what others may do now
    #closed = 0; // images that only people see who have signed in
    #fields;
    #asked = 0;
    #timer = null;

    // `portfolio`: as the API has it; null for a new one.
    constructor(portfolio) {
        this.#own = portfolio?.human_id ?? '';
        this.#access = portfolio ? accessOf(portfolio) : {internal: 0, everybody: 0};
        this.#fields = {
            name: h('input', {id: 'folio-name', name: 'name', maxlength: 255, autocomplete: 'off', value: portfolio?.name ?? '', autofocus: !portfolio}),
            description: h('textarea', {id: 'folio-description', name: 'description', maxlength: 5120, rows: 3, value: portfolio?.description ?? ''}),
            human_id: h('input', {id: 'folio-address', name: 'human_id', maxlength: LONGEST, autocomplete: 'off', spellcheck: 'false', value: this.#own, 'aria-describedby': 'folio-address-note'}),
            internal_access: levels('folio-internal', 'internal_access', this.#access.internal),
            public_access: levels('folio-public', 'public_access', this.#access.everybody),
        };
        this.note = h('p', {class: 'hint', id: 'folio-address-note', role: 'status'});
        this.audience = h('p', {class: 'hint', id: 'folio-audience', role: 'status'});
        this.warning = h('p', {class: 'notice warn', id: 'folio-closed', role: 'status', hidden: true});
        this.element = h(
            'div',
            {class: 'stack folio-settings'},
            field(t('name'), this.#fields.name),
            field(t('description'), this.#fields.description),
            field(t('address'), this.#fields.human_id, h('div', {class: 'folio-link'}, this.note,
                portfolio && copyButton(() => linkTo(this.#own), {label: t('copy_public')}))),
            h(
                'div',
                {class: 'folio-access'},
                field(t('access_internal'), this.#fields.internal_access),
                field(t('access_public'), this.#fields.public_access),
            ),
            this.audience,
            this.warning,
        );
        for (const select of [this.#fields.internal_access, this.#fields.public_access]) {
            select.addEventListener('change', () => this.#tellAudience());
        }
        this.#tellAudience();
        this.#fields.human_id.addEventListener('input', () => this.#typed());
        this.#tell(this.#hint());
    }

    // What the API takes.
    get values() {
        return Object.fromEntries(Object.entries(this.#fields).map(([name, one]) => [name, one.value.trim()]));
    }

    // Show what the API has found wrong; whether that was about one of the fields.
    fault(error) {
        const wrong = this.#fields[error.parameter];
        if (!wrong) {
            return false;
        }
        if (error.parameter === 'human_id') {
            this.#tell(error.status === 409 ? t('address_taken') : error.message, true);
        } else {
            wrong.setCustomValidity(error.message);
            wrong.reportValidity();
            wrong.addEventListener('input', () => wrong.setCustomValidity(''), {once: true});
        }
        wrong.focus();
        return true;
    }

    // The images are others now, or others may see them.
    images(portfolio) {
        this.#closed = portfolio.images_closed;
        this.#tellAudience();
    }

    // The present address is the one from now on.
    saved(portfolio) {
        this.#own = portfolio.human_id;
        this.#fields.human_id.value = this.#own;
        this.#access = accessOf(portfolio);
        this.#tellAudience();
        this.#tell(this.#hint());
    }

    #hint() {
        const value = this.#fields.human_id.value.trim();
        return value ? t('address_is', {address: linkTo(value)}) : t('address_random');
    }

    // Who can open the link: people send it before they have thought of that.
    #tellAudience() {
        const internal = Number(this.#fields.internal_access.value);
        const everybody = Number(this.#fields.public_access.value);
        const text = t(everybody ? 'audience_all' : internal ? 'audience_users' : 'audience_none');
        const same = internal === this.#access.internal && everybody === this.#access.everybody;
        this.audience.textContent = same ? text : t('audience_later', {text});
        this.warning.hidden = !everybody || !this.#closed;
        this.warning.textContent = this.warning.hidden ? '' : t('audience_closed', {n: this.#closed});
    }

    #typed() {
        clearTimeout(this.#timer);
        const value = this.#fields.human_id.value.trim();
        if (FORBIDDEN.test(value)) {
            this.#tell(t('address_forbidden', {characters: '% < > & . ? : /'}), true);
        } else if (!value || value === this.#own) {
            this.#tell(this.#hint());
        } else {
            this.#timer = setTimeout(() => this.#check(value), PAUSE);
        }
    }

    // As part of a batch: that an address is free is no failed call.
    async #check(value) {
        const asked = ++this.#asked;
        const [answer] = await batch([get('portfolios/', {human_id: value})]);
        if (asked !== this.#asked || this.#fields.human_id.value.trim() !== value) {
            return;
        }
        if (answer.status === 404) {
            this.#tell(`${t('address_free')} ${this.#hint()}`);
        } else {
            this.#tell(t('address_taken'), true);
        }
    }

    #tell(text, bad = false) {
        this.note.textContent = text;
        this.note.className = bad ? 'error' : 'hint';
        if (bad) {
            this.#fields.human_id.setAttribute('aria-invalid', 'true');
        } else {
            this.#fields.human_id.removeAttribute('aria-invalid');
        }
    }
}

function linkTo(humanId) {
    return `${location.origin}${page.root}portfolios/${encodeURIComponent(humanId)}/`;
}

function field(label, input, ...more) {
    return h('div', {class: 'field'}, h('label', {for: input.id}, label), input, ...more);
}

function levels(id, name, value) {
    const select = h('select', {id, name}, ...LEVELS.map(level => h('option', {value: level}, t(`level_${level}`))));
    $(`option[value="${value}"]`, select).selected = true;
    return select;
}
