"""Audits pages by axe-core in headless Chromium, in light and in dark colours."""
import shutil
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# The rules of WCAG 2.2 AA, and the good practice of landmarks and headings.
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def browser_program():
    return next((found for found in map(shutil.which, BROWSERS) if found), None)


def axe_source():
    import axe_playwright_python
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def told(violation):
    places = "; ".join(" ".join(map(str, node["target"])) + ": " + " ".join(node["failureSummary"].split())
                       for node in violation["nodes"][:4])
    return f"{violation['id']} ({violation['impact']}): {places}"


def findings(page):
    """One line for each rule that the page breaks."""
    page.evaluate(axe_source())
    result = page.evaluate("options => axe.run(document, options)", OPTIONS)
    if not result["passes"]:
        raise AssertionError("axe-core found nothing to check")
    return [told(each) for each in result["violations"]]


def caption_sample(page):
    page.click("#sample-houses")
    page.click("#go")
    page.wait_for_selector("#stop", state="hidden")
    page.wait_for_selector("#talk .caption")
    page.wait_for_selector("#history li")


def audit(pages):
    """Audits pages, each {"name", "url"} and maybe "act", which is done before it is audited again. Returns the findings."""
    from playwright.sync_api import sync_playwright
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_program(), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for width in (1200, 400):
                context = browser.new_context(color_scheme=scheme, reduced_motion="reduce",
                                              viewport={"width": width, "height": 900})
                for each in pages:
                    page = context.new_page()
                    page.goto(each["url"])
                    page.wait_for_load_state("networkidle")
                    where = f"{each['name']}, {scheme}, {width} pixels"
                    found += [f"{where}: {line}" for line in findings(page)]
                    if "act" in each:
                        each["act"](page)
                        found += [f"{where}, used: {line}" for line in findings(page)]
                    page.close()
                context.close()
        browser.close()
    return found
