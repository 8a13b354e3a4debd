"""What a trained model is for: so far, codes and what comes back from them."""
