"""The HTML page that shows an inventory to people; `page.report_page` makes it."""
