import { readFileSync } from "node:fs";
import { Application, Converter } from "typedoc";

/** The written pages as the README lists them: their titles by their files. */
const titles = new Map(
  readFileSync(new URL("../README.md", import.meta.url), "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, title, file] = /^- \[(.+?)\]\((.+?\.md)\)/.exec(line) ?? [];
      return title === undefined ? [] : [[file, title]];
    }),
);

/** Puts the pages into the site, in the order and under the titles of the README's list. */
export function load(app) {
  app.on(Application.EVENT_BOOTSTRAP_END, () => app.options.setValue("projectDocuments", [...titles.keys()]));
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, page) => {
    const path = page.project.files.getReflectionPath(page) ?? "";
    const [, title] = [...titles].find(([file]) => path.endsWith(`/${file}`)) ?? [];
    if (title === undefined) throw new Error(`${path} is not in the README's list`);
    page.name = title;
  });
}
