@rem package.json says "exec node ...", so that signals reach the program and not a shell before it. The shell of Windows has no exec: it finds this.
@%*
