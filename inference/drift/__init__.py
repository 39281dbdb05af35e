"""What is read about drift: ``windows`` says which tickets are compared, ``readings`` what is found."""
