"""Operations as data: facts in, commands out."""
