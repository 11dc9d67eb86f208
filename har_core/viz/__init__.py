"""Results of the analysis → Plotly figures, pictures, sentences."""
