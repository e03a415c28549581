process.stdout.write("kdc-mae\n");
