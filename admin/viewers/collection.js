/** The pictures of a gallery or slideshow: those that are listed, then those of a folder, then those of a portfolio. */

import { queryOf, serverUrl } from './address.js';
import { filesOf, imagesOf } from './requests.js';

/** What an entry says besides parameters of its image. */
const NOT_PARAMETERS = ['server', 'title', 'description', 'url'];

export class Collection {
  /** `extra(parameters)` gives the parameters that a request has besides those of the options and of the entry. */
  constructor(options, extra) {
    this.options = options;
    this.extra = extra;
    this.server = serverUrl(options.server);
    this.seen = new Set();
  }

  /** Pages of entries: each `{src, url, title, description, link}`, none twice. */
  async *pages() {
    const { folder, portfolio, token, images } = this.options;
    if (images.length) yield this.entries(images);
    if (folder) for await (const files of filesOf(this.server, folder, token)) yield this.entries(files);
    if (portfolio) yield this.entries(await imagesOf(this.server, portfolio, token));
  }

  entries(images) {
    return images.map((image) => this.entry(image)).filter((entry) => {
      const isNew = !this.seen.has(entry.url);
      this.seen.add(entry.url);
      return isNew;
    });
  }

  entry(image) {
    return {
      src: image.src,
      url: this.urlOf(image),
      title: image.title || '',
      description: image.description || '',
      link: image.url,
      image,
    };
  }

  urlOf(image) {
    const own = Object.fromEntries(Object.entries(image).filter(([name]) => !NOT_PARAMETERS.includes(name)));
    const values = { ...this.options.params, ...own };
    if (this.options.stripaligns) {
      delete values.halign;
      delete values.valign;
    }
    const server = image.server ? serverUrl(image.server) : this.server;
    return `${server}image?${queryOf({ ...values, ...this.extra(values) })}`;
  }
}
