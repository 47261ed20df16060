// A dialog with the controls of the publisher, for the parameters of an image that lies elsewhere.

import {h, page} from '../core/dom.js';
import {openDialog} from '../core/dialog.js';
import {pickFile} from '../core/picker.js';
import {loadStyle} from '../core/style.js';
import {loadTexts, t} from '../core/texts.js';
import {imageAddress} from './address.js';
import {CONTROLS} from './controls.js';
import {ParameterForm} from './form.js';
import {guideAddress} from './guide.js';
import {OneAtATime} from './once.js';
import {loadFacts} from './facts.js';
import {fromTemplate, parameters, toTemplate} from './values.js';

const OTHERS = new Set(['attach', 'stats', 'expiry']);

// Asks for parameters; gives them as the JSON of a template, without what is not set, or null when it was left.
// `values`: what they are so far, in the same form. `src`: of the image that is shown with them, if there is one.
export async function editParameters({src, values = {}, title}) {
    const [facts] = await Promise.all([loadFacts(), loadTexts('publish'), loadStyle('publish')]);
    let chosen = fromTemplate(values);
    const picture = h('img', {class: 'pub-picture', alt: t('preview_alt')});
    const loader = new OneAtATime(async address => {
        picture.src = address;
        await picture.decode().catch(() => {});
    });
    const form = new ParameterForm({
        facts,
        help: guideAddress,
        pick: () => pickFile({path: '/'}),
        names: new Set(CONTROLS.map(one => one.name).filter(name => !OTHERS.has(name))),
        change: more => show({...chosen, ...more}),
    });
    function show(next) {
        chosen = next;
        form.show(chosen, {});
        if (src) loader.ask(imageAddress(page.root, src, {...parameters(chosen), stats: '0', cache: '0'}));
    }
    show(chosen);
    const answer = await openDialog({
        title: title ?? t('parameters'),
        wide: true,
        body: h('div', {class: 'pub-dialog'}, form.element, src ? h('div', {class: 'pub-stage'}, picture) : null),
        actions: [
            {label: t('none_at_all'), value: 'none'},
            {label: t('cancel'), value: 'no'},
            {label: t('ok'), value: 'yes', kind: 'primary'},
        ],
    });
    if (answer === 'none') return {};
    return answer === 'yes' ? given(toTemplate(chosen)) : null;
}

function given(document) {
    return Object.fromEntries(
        Object.entries(document).filter(
            ([field, entry]) => entry.value !== null && !['attachment', 'record_stats', 'expiry_secs'].includes(field),
        ),
    );
}
