// Composed when its parts are there.
return 0;
