"""Statistics of an evaluation: intervals clustered by client, paired comparisons, preferences and agreement.

The statistics are scipy's, statsmodels' and choix'. Coefficients of agreement are written here as functions of sums: the libraries'
take too long for one client after the other, and tests hold ours against them. All sessions of a client are resampled or left out
together, a figure that is undefined (None) says why, and each names its method.
"""
