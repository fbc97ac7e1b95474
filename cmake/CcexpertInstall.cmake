# Installed: the libraries, the public headers, the commands and a package for find_package(ccexpert).
