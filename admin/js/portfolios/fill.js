// Puts images into portfolios, many in one call.

import {api} from '../core/api.js';
import {batch} from '../core/batch.js';
import {openDialog} from '../core/dialog.js';
import {t} from '../core/texts.js';
import {Settings} from './settings.js';

const LAST = 999_999; // behind all others; among equals the order of adding counts

// `images` are {id} or {src}. Resolves to {added, there, faults}: numbers, and what was wrong with the others in words.
export async function addImages(portfolioId, images) {
    const sum = {added: 0, there: 0, faults: []};
    const answers = await batch(
        images.map(image => ({
            method: 'POST',
            path: `/portfolios/${portfolioId}/images/`,
            body: {...(image.id ? {image_id: image.id} : {image_src: `/${image.src.replace(/^\/+/, '')}`}), index: LAST},
        })),
    );
    answers.forEach((answer, index) => {
        if (answer.status === 200) {
            sum.added += 1;
        } else if (answer.status === 409) {
            sum.there += 1;
        } else {
            sum.faults.push(`${images[index].src}: ${answer.message}`);
        }
    });
    return sum;
}

// What became of that, in words.
export function told({added, there, faults}) {
    return [
        t('added', {n: added}),
        there ? t('added_there', {n: there}) : '',
        faults.length ? t('added_faults', {n: faults.length, first: faults[0]}) : '',
    ]
        .filter(Boolean)
        .join(' ');
}

// Asks for what is to be said about a new portfolio and makes it; null when the dialog was left.
export async function createPortfolio() {
    const settings = new Settings(null);
    return openDialog({
        title: t('new_title'),
        body: settings.element,
        actions: [
            {label: t('cancel'), value: null},
            {label: t('create'), value: 'create', kind: 'primary'},
        ],
        async onSubmit(value) {
            if (value !== 'create') {
                return true;
            }
            try {
                return await api.post('portfolios/', settings.values);
            } catch (error) {
                if (settings.fault(error)) {
                    return false;
                }
                throw error;
            }
        },
    });
}
