"""Statistics of an evaluation: intervals clustered by client, paired comparisons, preferences and agreement.

The statistics are scipy's, statsmodels', krippendorff's and choix'. This room resamples all sessions of a client together, says why a
figure is undefined (None), and names each figure's method.
"""
