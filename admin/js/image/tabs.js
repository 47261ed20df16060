// Sections below each other become tabs.

import {$, h} from '../core/dom.js';

// Each child section of `host` has an id and a heading. `tab:shown` is sent to a section when it's shown.
export function makeTabs(host) {
    const sections = [...host.children];
    const list = h('div', {class: 'tabs', role: 'tablist'});
    const tabs = sections.map(section => {
        const heading = $('h2', section);
        heading.classList.add('visually-hidden');
        section.setAttribute('role', 'tabpanel');
        section.setAttribute('aria-labelledby', `tab-${section.id}`);
        return h('button', {
            type: 'button', role: 'tab', id: `tab-${section.id}`, 'aria-controls': section.id,
            on: {click: () => show(section, {remember: true})},
        }, heading.textContent);
    });
    list.append(...tabs);
    host.prepend(list);
    list.addEventListener('keydown', event => {
        const at = tabs.indexOf(document.activeElement);
        const last = tabs.length - 1;
        const next = {
            ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last,
        }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        show(sections[next], {remember: true});
        tabs[next].focus();
    });

    function show(section, {remember = false} = {}) {
        sections.forEach((one, index) => {
            const chosen = one === section;
            one.hidden = !chosen;
            tabs[index].setAttribute('aria-selected', String(chosen));
            tabs[index].tabIndex = chosen ? 0 : -1;
        });
        if (remember) history.replaceState(null, '', `#${section.id}`);
        section.dispatchEvent(new CustomEvent('tab:shown'));
    }

    const wanted = () => sections.find(section => `#${section.id}` === location.hash);
    show(wanted() ?? sections[0]);
    addEventListener('hashchange', () => wanted() && show(wanted()));
}
