"""Reads settings.ini, the one place where the package's facts are kept; nbdev's own setup.py fails in isolated builds."""
import shlex
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(delimiters=['='])
config.read(here/'settings.ini', encoding='utf8')
s = config['DEFAULT']
extras = {name: shlex.split(s.get(f'{name}_requirements', '')) for name in ('study', 'explore', 'cluster', 'hf', 'onnx')}
site = shlex.split(s.get('site_requirements', ''))  # builds the documentation: for who works on mirnb, not for its users
extras['all'] = sorted(set().union(*extras.values()))

setup(
    name=s['lib_name'], version=s['version'], description=s['description'], keywords=s['keywords'],
    long_description=(here/'README.md').read_text(encoding='utf8') if (here/'README.md').exists() else s['description'],
    long_description_content_type='text/markdown',
    author=s['author'], author_email=s['author_email'], url=s['git_url'],
    license='Apache-2.0', license_files=['LICENSE'],
    packages=find_packages(include=[s['lib_path'], s['lib_path'] + '.*']),
    package_data={s['lib_path']: ['weights/*', 'static/**/*', 'data/*']},  # the small VQ-VAE with its card; the explorers' JS, CSS and page; GTZAN's split
    python_requires=f">={s['min_python']}",
    install_requires=shlex.split(s['requirements']),
    extras_require={**extras, 'site': site, 'dev': [*extras['all'], *site, *shlex.split(s['dev_requirements'])]},  # pip install 'mirnb[study]'
    entry_points={'console_scripts': shlex.split(s['console_scripts'])},
    zip_safe=False,
)
