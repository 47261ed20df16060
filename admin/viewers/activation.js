/** Elements of a page whose picture a click opens. */

/** The address of the picture that an element shows. */
export function pictureUrl(element) {
  if (element.tagName === 'IMG') return element.getAttribute('src') ? element.src : '';
  const background = /url\(["']?(.*?)["']?\)/.exec(getComputedStyle(element).backgroundImage);
  return background ? background[1] : '';
}

/** Let a click on an element do something, by mouse or keys; a deed set before is replaced. */
export function onActivate(element, deed) {
  if (element._qis_activation) element._qis_activation.abort();
  element._qis_activation = new AbortController();
  const { signal } = element._qis_activation;
  const act = (event) => {
    event.preventDefault();
    deed(event);
  };
  element.addEventListener('click', act, { signal });
  if (element.closest('a[href], button')) return;
  element.tabIndex = 0;
  element.setAttribute('role', 'button');
  element.addEventListener('keydown', (event) => (event.key === 'Enter' || event.key === ' ') && act(event), { signal });
}
