"""Statistics of an evaluation: intervals clustered by client, paired comparisons, preferences and agreement.

The statistics themselves are scipy's, statsmodels', krippendorff's and choix'; what is added here is that clients are
resampled whole, that what is undefined is None with the reason, and that every figure carries how it was obtained.
"""
