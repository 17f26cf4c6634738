type Reporter = "default" | ["json", { outputFile: string }];

/** The usual output, and a report for a machine where `TEST_REPORTS` names a folder for it. */
export function reporters(name: string): Reporter[] {
  const folder = process.env.TEST_REPORTS;
  return folder === undefined ? ["default"] : ["default", ["json", { outputFile: `${folder}/${name}.json` }]];
}
