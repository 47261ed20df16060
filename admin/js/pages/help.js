// The imaging guide: contents at the side, search, copy buttons, and a picture to try each parameter on.

import {$, $$, h, page} from '../core/dom.js';
import {copyButton} from '../core/copy.js';
import {loadTexts, t} from '../core/texts.js';
import {tryOut} from '../help/try_out.js';

const text = $('#guide-text');
const sections = $$('section[id]', text);

contents();
copies();
search();
goTo();
if (page.data.sample) {
    await tries();
}

// The headings of the guide, two levels deep.
function contents() {
    const parts = sections.filter(section => !section.classList.contains('option'));
    const link = (section, label) => h('a', {href: `#${section.id}`}, label);
    $('#guide-contents').append(
        h(
            'ul',
            null,
            parts.map(part =>
                h(
                    'li',
                    null,
                    link(part, $('h2', part).textContent),
                    $('.option', part) &&
                        h(
                            'ul',
                            null,
                            $$('.option', part).map(one => h('li', null, link(one, one.dataset.name))),
                        ),
                ),
            ),
        ),
    );
    const links = new Map($$('#guide-contents a').map(one => [one.hash.slice(1), one]));
    const seen = new IntersectionObserver(
        entries => {
            for (const entry of entries.filter(one => one.isIntersecting)) {
                for (const one of links.values()) {
                    one.removeAttribute('aria-current');
                }
                links.get(entry.target.id)?.setAttribute('aria-current', 'location');
            }
        },
        {rootMargin: '-20% 0px -70% 0px'},
    );
    sections.forEach(section => seen.observe(section));
}

function copies() {
    for (const sample of $$('[data-copy]', text)) {
        const code = $('code', sample);
        sample.append(copyButton(() => code.textContent, {label: t('copy_sample'), source: code}));
    }
}

// Shows only the parts that have all words.
function search() {
    const box = $('#guide-search');
    const found = $('#guide-found');
    const leaves = sections.filter(section => !$('.option', section));
    box.addEventListener('input', () => {
        const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
        const fits = section => words.every(word => section.textContent.toLowerCase().includes(word));
        let n = 0;
        for (const leaf of leaves) {
            leaf.hidden = !fits(leaf);
            n += leaf.hidden ? 0 : 1;
        }
        for (const part of sections.filter(section => $('.option', section))) {
            part.hidden = !$$('.option', part).some(one => !one.hidden);
        }
        for (const link of $$('#guide-contents a')) {
            link.parentElement.hidden = $(link.hash).hidden;
        }
        found.textContent = !words.length ? '' : n ? t('guide_found', {n}) : t('guide_none');
    });
}

// The part that the address names, once everything has its place.
function goTo() {
    const show = () => {
        const part = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
        if (part) {
            part.hidden = false;
            part.scrollIntoView();
        }
    };
    window.addEventListener('hashchange', show);
    show();
}

// Pictures are made when their part comes into view.
async function tries() {
    await loadTexts('publish');
    const near = new IntersectionObserver(
        entries => {
            for (const {target, isIntersecting} of entries) {
                if (isIntersecting) {
                    near.unobserve(target);
                    tryOut(target);
                }
            }
        },
        {rootMargin: '200px'},
    );
    $$('.try', text).forEach(place => near.observe(place));
}
