"""How right a fit is, and how sure: certificates, standard errors, residuals."""
