"""The explanation report 风险研判报告: facts first, then the page and the PDF made of them."""
